package command

import "strings"

// Verb is the first word of a line.
type Verb uint8

// Verbs, in the order in which errors list them.
const (
	Read Verb = iota + 1
	ReadComposite
	Observe
	ObserveComposite
	CancelObservation
	Execute
	ExecuteLegacy
	Write
	WriteComposite
	WriteBinary
	Delete
	Discover
	Create
	WriteAttributes
	Serialization
	Coap
	verbCount
)

// grammar is a verb's word and what may follow it, as errors show it.
type grammar struct {
	name, arguments string
	parse           func(*scanner, *Line) error
}

var grammars = [verbCount]grammar{
	Read:              {"read", "/object[/instance[/resource[/resource instance]]]", (*scanner).pathAlone},
	ReadComposite:     {"cread", "/path [/path…]", (*scanner).pathList},
	Observe:           {"observe", "/path [attributes]", (*scanner).observe},
	ObserveComposite:  {"cobserve", "/path [/path…] [attributes]", (*scanner).observe},
	CancelObservation: {"cancelobservation", "[-p] /path [/path…]", (*scanner).cancel},
	Execute:           {"execute", "/object/instance/resource [arguments]", (*scanner).execute},
	ExecuteLegacy:     {"executelegacy", "/object/instance/resource [text]", (*scanner).executeLegacy},
	Write:             {"write", "[-r] /object/instance[/resource[/resource instance]] value", (*scanner).write},
	WriteComposite:    {"cwrite", "/path value [/path value…]", (*scanner).writeComposite},
	WriteBinary:       {"writeb", "/object/instance/resource[/resource instance] hex|binary:file", (*scanner).writeBinary},
	Delete:            {"delete", "/object/instance[/resource[/resource instance]]", (*scanner).remove},
	Discover:          {"discover", "/path [depth]", (*scanner).discover},
	Create:            {"create", `/object [{"id":1,"resource":value}]`, (*scanner).create},
	WriteAttributes:   {"writeattr", "/path name=value&name=value…", (*scanner).writeAttributes},
	Serialization:     {"serialization", "TLV|JSON|CBOR|TEXT|OPAQUE|SENML_JSON|SENML_CBOR|DEFAULT", (*scanner).serialization},
	Coap:              {"coap", `{"method":"get","uri":"/3/0"}`, (*scanner).coap},
}

// String is the verb's word.
func (v Verb) String() string {
	if v == 0 || v >= verbCount {
		return ""
	}
	return grammars[v].name
}

// Idempotent reports that a request of this verb may go out again when the
// fate of the first is unknown (platform 10).
func (v Verb) Idempotent() bool {
	switch v {
	case Execute, ExecuteLegacy, Create, Delete, Coap:
		return false
	}
	return true
}

// reads tells whether the verb's answer carries resource values.
func (v Verb) reads() bool {
	switch v {
	case Read, ReadComposite, Observe, ObserveComposite, CancelObservation:
		return true
	}
	return false
}

// verbOf finds a verb by its word.
func verbOf(name string) (Verb, bool) {
	for i, g := range grammars {
		if g.name == name && i > 0 {
			return Verb(i), true
		}
	}
	return 0, false
}

// verbNames lists the words for an error.
func verbNames() string {
	names := make([]string, 0, verbCount)
	for _, g := range grammars[1:] {
		names = append(names, g.name)
	}
	return strings.Join(names, ", ")
}
