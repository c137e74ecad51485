package config

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFile bounds the configuration file, in bytes.
const maxFile = 4 << 20

// profilesKey stands in the file alone.
const profilesKey = "profiles"

// readFile reads the configuration file, if there is one.
func (l *Loaded) readFile(read func(string) ([]byte, error)) error {
	if l.File == "" {
		return nil
	}
	data, err := read(l.File)
	if err != nil {
		return fmt.Errorf("%s: %w", fileName, err)
	}
	if err := l.parseFile(data); err != nil {
		return fmt.Errorf("in the file %s:\n%w", l.File, err)
	}
	return nil
}

// parseFile applies the settings of a YAML document. It is read as a tree and
// not into the struct, since values have the notation of flags, and unknown
// and repeated keys are to be named with their lines.
func (l *Loaded) parseFile(data []byte) error {
	if len(data) > maxFile {
		return fmt.Errorf("%d bytes are more than a configuration has", len(data))
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return err
	}
	if len(document.Content) == 0 {
		return nil
	}
	root := document.Content[0]
	if isNull(root) {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected settings as key: value", root.Line)
	}
	var faults []error
	seen := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if line := seen[key.Value]; line > 0 {
			faults = append(faults, fmt.Errorf("line %d: %s stands in line %d too", key.Line, key.Value, line))
			continue
		}
		seen[key.Value] = key.Line
		faults = append(faults, l.parseKey(key, value))
	}
	return errors.Join(faults...)
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (l *Loaded) parseKey(key, value *yaml.Node) error {
	if key.Value == profilesKey {
		return l.parseProfiles(value)
	}
	s := find(key.Value)
	if s == nil {
		bare := func(s string) string { return s }
		return fmt.Errorf("line %d: unknown key %s%s", key.Line, key.Value, suggestion(key.Value, append(names(), profilesKey), bare))
	}
	items, err := scalars(value)
	if err != nil || (s.reset == nil && len(items) != 1) {
		return fmt.Errorf("line %d: %s: expected one value", key.Line, key.Value)
	}
	if len(items) == 0 { // an empty list
		items = []string{off}
	}
	return l.put(s, strings.Join(items, ","), Origin{byFile, key.Line})
}

// scalars are the texts of a scalar or of a list of scalars.
func scalars(n *yaml.Node) (list []string, err error) {
	switch {
	case n.Kind == yaml.ScalarNode && !isNull(n):
		return []string{n.Value}, nil
	case n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			if item.Kind != yaml.ScalarNode || isNull(item) {
				return nil, fmt.Errorf("line %d: expected a value", item.Line)
			}
			list = append(list, item.Value)
		}
		return list, nil
	}
	return nil, fmt.Errorf("line %d: expected a value or a list", n.Line)
}

// parseProfiles reads profile ID: links, where links is one text in link
// format or a list of single links.
func (l *Loaded) parseProfiles(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s: expected profile ID: links", n.Line, profilesKey)
	}
	l.profiles = Origin{byFile, n.Line}
	l.Config.Profiles = make(map[string]string, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		links, err := scalars(value)
		if err != nil || len(links) == 0 {
			return fmt.Errorf("line %d: %s: %s: expected links such as </3/0>,</5/0>", key.Line, profilesKey, key.Value)
		}
		if _, twice := l.Config.Profiles[key.Value]; twice {
			return fmt.Errorf("line %d: %s: %s stands twice", key.Line, profilesKey, key.Value)
		}
		l.Config.Profiles[key.Value] = strings.Join(links, ",")
	}
	return nil
}
