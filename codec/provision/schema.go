package provision

import (
	"strconv"

	"dormouse/codec/jsontext"
)

// Schema is the JSON Schema (draft 2020-12) of what Parse reads, under the rules
// of a node. Fields of a group are described inside and outside of it. Parse
// takes more forms than it says (numbers as strings, choices in either case,
// null for what is absent), and knows rules that a schema cannot have.
func Schema(rules Rules) []byte {
	s := schema{rules: rules}
	s.raw(`{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"LwM2M device registration","type":"object","properties":{`)
	for i := range devices.columns {
		if f := &devices.columns[i].Field; f.Need != NeedLater {
			s.field(f)
		}
	}
	for _, g := range devices.groups {
		s.name(g)
		s.raw(`{"type":"object","properties":{`)
		for i := range devices.columns {
			if f := &devices.columns[i].Field; f.Group == g {
				s.field(f)
			}
		}
		s.raw(`}}`)
	}
	s.servers()
	s.raw(`},"required":["endpointId"],"anyOf":[{"required":["securityMode"]},{"required":["serverSecurity"],"properties":{"serverSecurity":{"required":["securityMode"]}}}]`)
	s.conditions()
	s.raw(`}`)
	return s.dst
}

// schema appends one.
type schema struct {
	dst   []byte
	rules Rules
}

func (s *schema) raw(text string)  { s.dst = append(s.dst, text...) }
func (s *schema) name(name string) { s.dst = jsontext.AppendMember(s.dst, name) }

func (s *schema) text(name, value string) {
	if value != "" {
		s.name(name)
		s.dst = jsontext.AppendString(s.dst, value)
	}
}

func (s *schema) integer(name string, value int64) {
	s.name(name)
	s.dst = strconv.AppendInt(s.dst, value, 10)
}

func (s *schema) list(name string, values []string) {
	s.name(name)
	s.raw("[")
	for i, v := range values {
		if i > 0 {
			s.raw(",")
		}
		s.dst = jsontext.AppendString(s.dst, v)
	}
	s.raw("]")
}

// field appends a property. x-column and x-unit are notes of ours, which the
// draft allows.
func (s *schema) field(f *Field) {
	s.name(f.Name)
	s.raw("{")
	s.text("type", f.Kind.json())
	s.text("description", f.Description)
	s.kind(f)
	s.standard(f)
	s.text("x-column", f.Column)
	s.text("x-unit", f.Unit)
	s.raw("}")
}

// kind has the range. Lengths count characters, of which a text has no more than
// bytes.
func (s *schema) kind(f *Field) {
	switch f.Kind {
	case KindChoice:
		if !f.Lenient {
			s.list("enum", f.Values)
		} else {
			s.list("examples", f.Values)
		}
	case KindInteger:
		least, most := check{f, s.rules}.bounds()
		s.integer("minimum", least)
		s.integer("maximum", most)
	case KindText:
		s.integer("maxLength", f.Max)
	case KindURI:
		s.text("format", "uri")
		s.integer("maxLength", f.Max)
	case KindBytes:
		s.text("pattern", "^([0-9A-Fa-f]{2})+$|^[0-9A-Za-z+/_-]+={0,2}$")
	case KindKey:
		s.text("pattern", "^([0-9A-Fa-f]{2}){"+strconv.FormatInt(f.Min, 10)+","+strconv.FormatInt(f.Max, 10)+"}$")
		s.name("writeOnly")
		s.raw("true")
	}
}

func (s *schema) standard(f *Field) {
	if f.Default == "" {
		return
	}
	if f.Kind == KindInteger || f.Kind == KindBoolean {
		s.name("default")
		s.raw(f.Default)
		return
	}
	s.text("default", f.Default)
}

func (s *schema) servers() {
	s.name(serversName)
	s.raw(`{"type":"array","maxItems":` + strconv.Itoa(MaxServers) + `,"items":{"type":"object","properties":{`)
	for i := range servers.columns {
		if f := &servers.columns[i].Field; f.Group == "" {
			s.field(f)
		}
	}
	s.name(securityGroup)
	s.raw(`{"type":"object","properties":{`)
	for i := range servers.columns {
		if f := &servers.columns[i].Field; f.Group != "" {
			s.field(f)
		}
	}
	s.raw(`}}},"required":["uri"]}}`)
}

// conditions say which fields go with which mode, for each place that the mode
// may stand in. The fields may stand elsewhere than it: then Parse decides.
func (s *schema) conditions() {
	s.raw(`,"allOf":[`)
	s.mode(serverGroup, "securityMode", NeedPSK)
	s.raw(",")
	s.mode(bootstrapGroup, "bootstrapSecurityMode", NeedBootstrapPSK)
	s.raw("]")
}

// mode refuses fields of a need beside NO_SEC, inside and outside of the group.
func (s *schema) mode(group, name string, need Need) {
	refused := ""
	for i := range devices.columns {
		if f := &devices.columns[i].Field; f.Need == need {
			if refused != "" {
				refused += ","
			}
			refused += `{"required":["` + f.Name + `"]}`
		}
	}
	rule := `{"if":{"required":["` + name + `"],"properties":{"` + name + `":{"const":"NO_SEC"}}},"then":{"not":{"anyOf":[` + refused + `]}}}`
	s.raw(rule + `,{"properties":{"` + group + `":` + rule + `}}`)
}
