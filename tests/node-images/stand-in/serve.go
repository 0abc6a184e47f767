package main

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Every port that a probe or a client of the real ones asks.
var ports = []string{"8080", "8082", "8084", "8086", "8090", "8092", "9200", "9300", "9600", "26500", "26501", "26502"}

// Serves as what an image such as camunda/zeebe:8.2.32 runs.
func serve(image string) {
	name, version, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	folder := volume()
	if folder == "" && name == "elasticsearch" {
		fail("%s has no volume", name)
	}
	if folder != "" {
		host, err := os.Hostname()
		if err != nil {
			fail("%v", err)
		}
		kind := "a broker"
		if strings.Contains(folder, "elasticsearch") {
			kind = "Elasticsearch"
		}
		open(folder, owner{kind, host[strings.LastIndex(host, "-")+1:], version})
	}
	http.HandleFunc("GET /marker", func(w http.ResponseWriter, _ *http.Request) { readMarker(w, folder) })
	http.HandleFunc("PUT /marker", func(w http.ResponseWriter, r *http.Request) { writeMarker(w, r, folder) })
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name+" "+version+"\n") })
	for _, port := range ports {
		listener, err := net.Listen("tcp", ":"+port)
		if err != nil {
			fail("%v", err)
		}
		go http.Serve(listener, nil)
	}
	say("ready as %s %s", name, version)
}

func readMarker(w http.ResponseWriter, folder string) {
	text, err := os.ReadFile(filepath.Join(folder, "marker"))
	switch {
	case folder == "" || errors.Is(err, fs.ErrNotExist):
		http.Error(w, "no marker", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Write(text)
	}
}

func writeMarker(w http.ResponseWriter, r *http.Request, folder string) {
	text, err := io.ReadAll(r.Body)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "marker"), text, 0o600)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
