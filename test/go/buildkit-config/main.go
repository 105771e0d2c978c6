// Reads a list of buildkitd.toml documents as JSON, and writes what buildkitd itself makes of each.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/moby/buildkit/cmd/buildkitd/config"
)

type answer struct {
	Config *config.Config
	Error  string
}

func main() {
	var documents []string
	if err := json.NewDecoder(os.Stdin).Decode(&documents); err != nil {
		panic(err)
	}
	answers := make([]answer, 0, len(documents))
	for _, document := range documents {
		loaded, err := config.Load(strings.NewReader(document))
		if err != nil {
			answers = append(answers, answer{Error: err.Error()})
			continue
		}
		answers = append(answers, answer{Config: &loaded})
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
