// Makes volumes of a node's folders for claims, and removes them, as a storage driver does.
//
// A class with the parameter `kind: local` gets local volumes, to which the kubelet applies an fsGroup. With
// `kind: hostPath` it does not, so everybody may write to the folder, as on many a file server.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

const name = "test/folders"

type provisioner struct {
	folder, node string
}

func (p provisioner) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	path := filepath.Join(p.folder, options.PVName)
	mode, source := os.FileMode(0o755), v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}}
	if options.StorageClass.Parameters["kind"] == "hostPath" {
		mode, source = 0o777, v1.PersistentVolumeSource{HostPath: &v1.HostPathVolumeSource{Path: path}}
	}
	if err := os.MkdirAll(path, mode); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	// Whatever the umask is.
	if err := os.Chmod(path, mode); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	here := v1.NodeSelectorRequirement{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{p.node}}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        source,
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
				NodeSelectorTerms: []v1.NodeSelectorTerm{{MatchExpressions: []v1.NodeSelectorRequirement{here}}},
			}},
		},
	}, controller.ProvisioningFinished, nil
}

func (p provisioner) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	return os.RemoveAll(filepath.Join(p.folder, volume.Name))
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	folder := flag.String("folder", "", "where the volumes are made")
	node := flag.String("node", "", "the node whose folder that is")
	flag.Parse()
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		log.Fatal(err)
	}
	config.QPS, config.Burst = 100, 200
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		log.Fatal(err)
	}
	ctx := klog.NewContext(context.Background(), klog.Background())
	controller.NewProvisionController(ctx, client, name, provisioner{*folder, *node},
		controller.LeaderElection(false)).Run(ctx)
}
