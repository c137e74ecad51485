package filter

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// Bounds of the plain parameters.
const (
	MaxIDs    = 200  // of "ids"
	MaxCursor = 512  // bytes, of a list that is sorted too
	maxText   = 1024 // bytes of a value that is compared
)

// Relation is how an object belongs to its parents.
type Relation uint8

const (
	NoRelation Relation = iota
	ChildAsset
	ChildDevice
	ChildAddition
)

// parents are the parameters that ask for the parents of an object.
var parents = [...]struct {
	name     string
	relation Relation
}{{"childAssetId", ChildAsset}, {"childDeviceId", ChildDevice}, {"childAdditionId", ChildAddition}}

// Selection is which managed objects a list is to show: those to which all of
// its fields apply.
type Selection struct {
	IDs   []ids.Object // nil for all
	Query Query        // with the parameters q, type, owner and fragmentType in it
	Text  string       // what a text of the object begins with, in any case of letters
	// Parents other than NoRelation asks for the parents of Child.
	Parents   Relation
	Child     ids.Object
	OnlyRoots bool // objects that are no child

	said url.Values // what the query and the text were read from
}

// conditions are the parameters that a Query and a Text are made of.
var conditions = [...]string{"query", "q", "type", "owner", "fragmentType", "text"}

// All reports that every object is selected, but for the IDs and relations.
func (s *Selection) All() bool { return s.Query.All() && s.Text == "" }

// Conditions are the parameters that Language.Selection reads as the same query
// and text, so that they can be applied elsewhere. ok is false where there are some
// that were not read from parameters: a query as text says less than it asks for,
// for a fragmentType need not be a path.
func (s *Selection) Conditions() (parameters string, ok bool) {
	if s.said == nil {
		return "", s.All() && len(s.Query.order) == 0
	}
	return s.said.Encode(), true
}

// Match applies the query, the IDs and the text. Parents and OnlyRoots are
// relations between objects, and so the caller's.
func (s *Selection) Match(m *platform.ManagedObject) bool {
	return (s.IDs == nil || slices.Contains(s.IDs, m.ID)) && s.Query.Match(Managed{m}) &&
		(s.Text == "" || Managed{m}.Begins(s.Text))
}

// View is what of an object is to be shown.
type View struct {
	Parents       bool // withParents
	Children      bool // withChildren, which is true unless it is said
	ChildrenCount bool // withChildrenCount
	Names         bool // of references; skipChildrenNames leaves them out
}

// Selection reads the parameters of a list of managed objects. Others are passed
// over.
func (l Language) Selection(values url.Values) (Selection, error) {
	r := reader{values: values}
	s := Selection{Text: r.text("text"), OnlyRoots: r.bool("onlyRoots", false), IDs: r.ids("ids")}
	for _, name := range []string{"query", "q"} {
		q, err := l.Parse(values.Get(name))
		if err != nil {
			return Selection{}, fmt.Errorf("%s: %w", name, err)
		}
		s.Query = s.Query.And(q)
	}
	if values.Has("q") { // the same language, for devices alone
		s.Query = s.Query.And(Has("c8y_IsDevice"))
	}
	for _, name := range []string{"type", "owner"} {
		if text := r.text(name); text != "" {
			s.Query = s.Query.And(Equal(name, text))
		}
	}
	if name := r.text("fragmentType"); name != "" {
		s.Query = s.Query.And(Has(name))
	}
	for _, p := range parents {
		if !values.Has(p.name) {
			continue
		}
		if s.Parents != NoRelation {
			r.fault("%s: the parents of one object can be listed, not of two", p.name)
		}
		s.Parents, s.Child = p.relation, r.id(p.name, values.Get(p.name))
	}
	if r.err != nil {
		return Selection{}, r.err
	}
	s.said = url.Values{}
	for _, name := range conditions {
		if values.Has(name) {
			s.said.Set(name, values.Get(name))
		}
	}
	return s, nil
}

// ParseView reads the parameters that say what of an object is shown.
func ParseView(values url.Values) (View, error) {
	r := reader{values: values}
	v := View{
		Parents: r.bool("withParents", false), Children: r.bool("withChildren", true),
		ChildrenCount: r.bool("withChildrenCount", false), Names: !r.bool("skipChildrenNames", false),
	}
	return v, r.err
}

// reader takes typed values out of parameters and keeps the first fault.
type reader struct {
	values url.Values
	err    error
}

func (r *reader) fault(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrParameter, fmt.Sprintf(format, args...))
	}
}

func (r *reader) text(name string) string {
	s := r.values.Get(name)
	if len(s) > maxText {
		r.fault("%s: %d bytes, at most %d", name, len(s), maxText)
	}
	return s
}

func (r *reader) bool(name string, absent bool) bool {
	switch s := r.values.Get(name); s {
	case "":
		return absent
	case "true", "false":
		return s == "true"
	default:
		r.fault("%s=%.40s is neither true nor false", name, s)
	}
	return absent
}

func (r *reader) id(name, text string) ids.Object {
	id, err := ids.ParseObject(strings.TrimSpace(text))
	if err != nil {
		r.fault("%s: %.40q is no ID", name, text)
	}
	return id
}

// ids are the IDs between commas, nil where the parameter is absent.
func (r *reader) ids(name string) []ids.Object {
	if !r.values.Has(name) {
		return nil
	}
	list := []ids.Object{}
	for s := range strings.SplitSeq(r.values.Get(name), ",") {
		if len(list) == MaxIDs {
			r.fault("%s: at most %d", name, MaxIDs)
			break
		}
		list = append(list, r.id(name, s))
	}
	return list
}
