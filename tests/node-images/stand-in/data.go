package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Where the images keep their data.
var folders = []string{
	"/usr/share/elasticsearch/data",
	"/bitnami/elasticsearch/data",
	"/usr/local/zeebe/data",
	"/usr/local/camunda/data",
}

// What is kept beside the data.
type owner struct {
	Kind    string `json:"kind"`
	Node    string `json:"node"`
	Version string `json:"version"`
}

// The folder that is a volume; empty: the pod has none, as a gateway.
func volume() string {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		fail("%v", err)
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		for _, folder := range folders {
			if len(fields) > 4 && fields[4] == folder {
				return folder
			}
		}
	}
	return ""
}

// Takes the data in a folder over, or ends.
func open(folder string, now owner) {
	probe := filepath.Join(folder, ".writable")
	if err := os.WriteFile(probe, nil, 0o600); err != nil {
		fail("%s is not writable by user %d: %v", folder, os.Getuid(), err)
	}
	if err := os.Remove(probe); err != nil {
		fail("%v", err)
	}
	file := filepath.Join(folder, "owner.json")
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		say("EMPTY: no data in %s, so %s starts without any", folder, now.Kind)
	case err != nil:
		fail("%s is not readable by user %d: %v", file, os.Getuid(), err)
	default:
		var before owner
		if err := json.Unmarshal(text, &before); err != nil {
			fail("%s: %v", file, err)
		}
		if before.Kind != now.Kind || before.Node != now.Node {
			fail("%s has the data of %s %s, and this is %s %s", folder, before.Kind, before.Node, now.Kind, now.Node)
		}
		if newer(before.Version, now.Version) {
			fail("%s has data of %s, and this is %s: no way back", folder, before.Version, now.Version)
		}
		say("takes over the data of %s in %s", before.Version, folder)
	}
	text, err = json.Marshal(now)
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		fail("%v", err)
	}
}

// Whether a is of a later major or minor version than b.
func newer(a, b string) bool {
	left, right := numbers(a), numbers(b)
	return left[0] > right[0] || left[0] == right[0] && left[1] > right[1]
}

func numbers(version string) [2]int {
	var found [2]int
	for index, part := range strings.SplitN(version, ".", 3) {
		if number, err := strconv.Atoi(part); err == nil && index < 2 {
			found[index] = number
		}
	}
	return found
}
