package config

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Print writes the effective configuration as YAML that can be read back,
// each value with its origin as a comment. A secret is not shown: its line is
// the one that does not read back.
func (l *Loaded) Print(w io.Writer) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for i := range settings {
		s := &settings[i]
		value := &yaml.Node{Kind: yaml.ScalarNode, Value: s.show(&l.Config), LineComment: l.origins[s.name].of(s)}
		if value.Value == "" {
			value.Style = yaml.DoubleQuotedStyle
		}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s.name}, value)
	}
	if len(l.Config.Profiles) > 0 {
		root.Content = append(root.Content, l.profileNodes()...)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return fmt.Errorf("printing the configuration: %w", err)
	}
	return enc.Close()
}

func (l *Loaded) profileNodes() []*yaml.Node {
	profiles := &yaml.Node{Kind: yaml.MappingNode}
	for _, id := range slices.Sorted(maps.Keys(l.Config.Profiles)) {
		profiles.Content = append(profiles.Content,
			&yaml.Node{Kind: yaml.ScalarNode, Value: id, Style: yaml.DoubleQuotedStyle},
			&yaml.Node{Kind: yaml.ScalarNode, Value: l.Config.Profiles[id], Style: yaml.DoubleQuotedStyle})
	}
	key := &yaml.Node{Kind: yaml.ScalarNode, Value: profilesKey, HeadComment: fmt.Sprintf("file, line %d", l.profiles.line)}
	return []*yaml.Node{key, profiles}
}
