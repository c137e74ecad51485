// Command generate writes objects.tsv, the compact form of the built-in object
// definitions, from the JSON files of facts:
//
//	go run ./generate -out objects.tsv facts/registry.json facts/33629.json
//
// It is called by go generate in codec/model; a test compares its output with
// the committed file.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	out := flag.String("out", "objects.tsv", "file to write")
	flag.Parse()
	if err := run(*out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(out string, inputs []string) error {
	var facts [][]byte
	for _, name := range inputs {
		b, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read facts: %w", err)
		}
		facts = append(facts, b)
	}
	compact, err := Compact(facts...)
	if err != nil {
		return err
	}
	return os.WriteFile(out, compact, 0o644)
}
