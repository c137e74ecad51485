package config

import (
	"fmt"
	"strings"
)

// prefix of the variables that are ours.
const prefix = "DORMOUSE_"

// apiVariable is ours and no setting: it tells the commands of node/cli where
// the API is.
const apiVariable = prefix + "API"

// variable is the environment's name of a setting.
func variable(name string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// parseEnvironment finds our variables. An empty one counts as not set.
func parseEnvironment(environ []string) (list []given, warnings []string) {
	for _, entry := range environ {
		key, text, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(key, prefix)
		if !ok || text == "" || key == apiVariable {
			continue
		}
		name = strings.ToLower(strings.ReplaceAll(name, "_", "-"))
		s := find(name)
		switch {
		case variable(name) != key:
			warnings = append(warnings, fmt.Sprintf("the variable %s is ignored: ours are in capitals, such as %s", key, variable(name)))
		case s != nil || name == fileName:
			list = append(list, given{s, text})
		default:
			warnings = append(warnings, fmt.Sprintf("the variable %s is unknown%s", key, suggestion(name, append(names(), fileName), variable)))
		}
	}
	return list, warnings
}
