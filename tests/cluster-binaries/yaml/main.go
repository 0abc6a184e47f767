// Command yaml-to-json answers what sigs.k8s.io/yaml makes of YAML texts: the
// measure for the guard's own reader. It reads a JSON list of texts and writes
// a JSON list of answers in the same order, null for a text that is refused.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "yaml-to-json:", err)
		os.Exit(1)
	}
}

func run() error {
	var texts []string
	if err := json.NewDecoder(os.Stdin).Decode(&texts); err != nil {
		return err
	}
	answers := make([]*string, len(texts))
	for i, text := range texts {
		if answer, err := yaml.YAMLToJSON([]byte(text)); err == nil {
			text := string(answer)
			answers[i] = &text
		}
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}
