package provision

import (
	"fmt"
	"strings"
)

// Markdown is the table of fields for people, docs/device-fields.md.
func Markdown() []byte {
	var b strings.Builder
	b.WriteString(`# Fields of a device registration

Made from the table of codec/provision; a test fails when it is stale.

Columns are told apart by letters alone, not by their case, and stand in any order. Fields of a group may stand in a JSON object of
that name or outside of it. What is empty is not given.

| CSV | JSON | value | default | needed | |
|---|---|---|---|---|---|
`)
	for i := range devices.columns {
		devices.columns[i].Field.row(&b)
	}
	b.WriteString("\nIn JSON, `" + serversName + "` is a list of up to " + fmt.Sprint(MaxServers) + " servers in place of `lwm2mServerUri`, each with these members:\n\n" +
		"| JSON | value | needed | |\n|---|---|---|---|\n")
	for i := range servers.columns {
		f := &servers.columns[i].Field
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", f.path(), f.value(), f.Need, f.Description)
	}
	return []byte(b.String())
}

func (f *Field) row(b *strings.Builder) {
	column := "`" + f.Column + "`"
	if f.Also != "" {
		column += ", `" + f.Also + "`"
	}
	standard := ""
	if f.Default != "" {
		standard = "`" + f.Default + "`"
	}
	fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", column, f.path(), f.value(), standard, f.Need, f.Description)
}

func (f *Field) path() string {
	if f.Group != "" {
		return "`" + f.Group + "." + f.Name + "`"
	}
	return "`" + f.Name + "`"
}

// value says what a field may hold.
func (f *Field) value() string {
	switch f.Kind {
	case KindChoice:
		choices := "`" + strings.Join(f.Values, "`, `") + "`"
		if f.Lenient {
			choices += "; any other is as if not given"
		}
		return choices
	case KindInteger:
		least, most := check{f, Rules{}}.bounds()
		return strings.TrimSuffix(fmt.Sprintf("%d to %d %s", least, most, f.Unit), " ")
	case KindBoolean:
		return "`true`, `false`"
	case KindURI:
		return "URI, " + list(f.Schemes, "://")
	case KindBytes:
		return fmt.Sprintf("hex or base64, up to %d bytes", f.Max)
	case KindKey:
		if f.Need == NeedLater {
			return "text"
		}
		return fmt.Sprintf("%d to %d hex digits, an even number", 2*f.Min, 2*f.Max)
	}
	if f.Max == 0 {
		return "text"
	}
	return fmt.Sprintf("text, up to %d bytes", f.Max)
}

// String is a word or two for documentation.
func (n Need) String() string {
	return [...]string{"", "always", "for PSK; refused for NO_SEC", "for a bootstrap with PSK; refused for one with NO_SEC", "for a bootstrap", "refused: X.509 comes later"}[n]
}
