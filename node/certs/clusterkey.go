package certs

import (
	"encoding/hex"
	"fmt"
	"strings"

	"dormouse/cluster/link"
)

// LoadClusterKeys reads the keys that all nodes share, for cluster/members and
// cluster/link: one of 64 hex digits a line, the first seals, all open. Empty lines
// and lines that begin with # count for nothing. To replace a key, put the new one
// behind the old at every node, then in front, then drop the old.
func LoadClusterKeys(path string) ([][]byte, error) {
	text, err := readSecret(path)
	if err != nil {
		return nil, err
	}
	var keys [][]byte
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, err := hex.DecodeString(line)
		if err != nil || len(key) != link.KeySize {
			return nil, fmt.Errorf("%w: line %d of %s is no key of %d hex digits", ErrFile, number, path, 2*link.KeySize)
		}
		keys = append(keys, key)
	}
	if _, err := link.NewRing(keys...); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrFile, path, err)
	}
	return keys, nil
}
