package fleet

import (
	"slices"
	"strings"

	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/node/admin"
)

func sortValues(all []platform.LastValue) {
	slices.SortFunc(all, func(a, b platform.LastValue) int { return a.Path.Compare(b.Path) })
}

// pathCursor writes /3/0/9 as 3-0-9: letters that a link needs not escape.
func pathCursor(p lwm2m.Path) string {
	return strings.ReplaceAll(strings.TrimPrefix(p.String(), "/"), "/", "-")
}

func cursorPath(cursor string) (lwm2m.Path, error) {
	p, err := lwm2m.ParsePath(strings.ReplaceAll(cursor, "-", "/"))
	if err != nil {
		return p, admin.Refuse(admin.ErrBadRequest, "The cursor %q is none of this list.", cursor)
	}
	return p, nil
}
