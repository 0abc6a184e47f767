// Command helm-patch answers what Kubernetes' own library, with which Helm
// makes its patches, makes of three versions of an object: the measure for the
// guard's own merge. It reads JSON lines
//
//	{"original": …, "modified": …, "current": …}
//
// (the running manifest's object, the new one's, the live one) and writes a
// JSON line for each, in the same order:
//
//	{"patch": …, "merged": …} or {"error": "…"}
//
// With the argument "types" it writes which fields of Kubernetes' own kinds
// are merged and by which key, the guard's crates/upgrade-rules/src/kubernetes/strategic/types.txt.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

type question struct {
	Original json.RawMessage `json:"original"`
	Modified json.RawMessage `json:"modified"`
	Current  json.RawMessage `json:"current"`
}

type answer struct {
	Patch  json.RawMessage `json:"patch,omitempty"`
	Merged json.RawMessage `json:"merged,omitempty"`
	Error  string          `json:"error,omitempty"`
}

func main() {
	known, err := kinds()
	if err == nil {
		out := bufio.NewWriter(os.Stdout)
		if len(os.Args) > 1 && os.Args[1] == "types" {
			err = writeTypes(out, known)
		} else {
			err = answerAll(os.Stdin, out, known)
		}
		err = errors.Join(err, out.Flush())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "helm-patch:", err)
		os.Exit(1)
	}
}

// kinds are those that Helm knows by their Go types (kubernetesNativeScheme in its pkg/kube).
func kinds() (*runtime.Scheme, error) {
	known := runtime.NewScheme()
	return known, errors.Join(
		scheme.AddToScheme(known),
		apiextensionsv1beta1.AddToScheme(known),
		apiextensionsv1.AddToScheme(known))
}

func answerAll(in io.Reader, out io.Writer, known *runtime.Scheme) error {
	questions, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var question question
		if err := questions.Decode(&question); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		answer, err := question.answer(known)
		if err != nil {
			answer.Error = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return err
		}
	}
}

// answer does what createPatch in Helm's pkg/kube does, and the API server with its patch.
func (q *question) answer(known *runtime.Scheme) (answer, error) {
	target := &unstructured.Unstructured{}
	if err := target.UnmarshalJSON(q.Modified); err != nil {
		return answer{}, err
	}
	version := target.GroupVersionKind().GroupVersion()
	versioned, err := known.ConvertToVersion(target, version)
	if err != nil {
		versioned = target
	}
	_, isUnstructured := versioned.(runtime.Unstructured)
	_, isCRD := versioned.(*apiextensionsv1beta1.CustomResourceDefinition)
	if isUnstructured || isCRD {
		patch, err := jsonpatch.CreateMergePatch(q.Original, q.Modified)
		if err != nil {
			return answer{}, err
		}
		merged, err := jsonpatch.MergePatch(q.Current, patch)
		return answer{Patch: patch, Merged: merged}, err
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(versioned)
	if err != nil {
		return answer{}, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(q.Original, q.Modified, q.Current, meta, true)
	if err != nil {
		return answer{}, err
	}
	merged, err := strategicpatch.StrategicMergePatch(q.Current, patch, versioned)
	return answer{Patch: patch, Merged: merged}, err
}
