package provision

// Kind is the type of a field's value.
type Kind uint8

// Kinds.
const (
	KindText    Kind = iota
	KindChoice       // one of Values, in either case
	KindInteger      // Min to Max, in Unit
	KindBoolean      // true or false, in either case
	KindURI          // with one of Schemes
	KindBytes        // hex or base64
	KindKey          // hex; never shown
)

// Need says when a field must be given, and when it must not.
type Need uint8

// Needs.
const (
	NeedNever        Need = iota
	NeedAlways            // mandatory
	NeedPSK               // mandatory for PSK, refused for NO_SEC
	NeedBootstrapPSK      // likewise by the mode of the bootstrap; mandatory where there is one
	NeedBootstrap         // mandatory for a bootstrap
	NeedLater             // known, and refused until X.509 comes
)

// Field is what there is to say about one field.
type Field struct {
	Column      string // name in CSV; "": JSON alone has it
	Also        string // another column of the same meaning
	Name        string // in JSON
	Group       string // JSON object that it may stand in as well
	Kind        Kind
	Unit        string   // of an integer: s, ms or min
	Min, Max    int64    // of an integer; of a text, URI, key or bytes: bytes
	Values      []string // of a choice
	Lenient     bool     // a choice that is none of Values is as if it were absent
	Schemes     []string // of a URI
	Default     string
	Need        Need
	Description string // one sentence
	Example     string // in templates

	tag byte // of its section in a record; never given to another field
}

// Fields lists the fields of a registration in the order of the table.
func Fields() []Field {
	list := make([]Field, len(devices.columns))
	for i := range devices.columns {
		list[i] = devices.columns[i].Field
	}
	return list
}

// column is a field together with its place in a T.
type column[T any] struct {
	Field
	ops[T]
}

// ops reads and writes one field of a T.
type ops[T any] struct {
	parse  func(c check, t *T, text string) (reason string) // text is not empty
	text   func(t *T) (text string, given bool)             // what parse takes; not for keys
	given  func(t *T) bool                                  // of keys; of others text says it
	clear  func(t *T)
	append func(dst []byte, t *T) []byte // body of a section; nothing where the field is absent
	read   func(t *T, body *body)
}

func (o *ops[T]) has(t *T) bool {
	if o.given != nil {
		return o.given(t)
	}
	_, given := o.text(t)
	return given
}

// table is all fields of a T. One has up to 64.
type table[T any] struct {
	columns []column[T]
	names   map[string]int // by JSON name
	groups  []string
}

func newTable[T any](columns ...column[T]) *table[T] {
	t := &table[T]{columns: columns, names: make(map[string]int, len(columns))}
	for i := range columns {
		t.names[columns[i].Name] = i
		if g := columns[i].Group; g != "" && (len(t.groups) == 0 || t.groups[len(t.groups)-1] != g) {
			t.groups = append(t.groups, g)
		}
	}
	return t
}

// find is the column of a JSON member of a group, or of none: -1 if there is no such field.
func (t *table[T]) find(group, name string) int {
	i, ok := t.names[name]
	if !ok || group != "" && t.columns[i].Group != group {
		return -1
	}
	return i
}
