package admin

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/filter"
	"dormouse/codec/ids"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
)

// maxQuery bounds the parameters of one request.
const maxQuery = 64

// maxPage bounds currentPage, so that no offset overflows.
const maxPage = 1 << 31

// parameters takes typed values out of a query and keeps the first fault.
type parameters struct {
	values url.Values
	err    error
}

func parseQuery(raw string) *parameters {
	values, err := url.ParseQuery(raw)
	p := &parameters{values: values}
	if err != nil {
		p.fault("the query is malformed: %v", err)
	}
	if len(values) > maxQuery {
		p.fault("the query has more than %d parameters", maxQuery)
	}
	return p
}

func (p *parameters) fault(format string, args ...any) {
	if p.err == nil {
		p.err = Refuse(ErrBadRequest, format, args...)
	}
}

func (p *parameters) text(name string) string { return p.values.Get(name) }

func (p *parameters) bool(name string) bool {
	switch s := p.values.Get(name); s {
	case "", "false":
	case "true":
		return true
	default:
		p.fault("%s=%s is neither true nor false", name, s)
	}
	return false
}

// integer is the value between low and high, or absent.
func (p *parameters) integer(name string, absent, low, high int64) int64 {
	s := p.values.Get(name)
	if s == "" {
		return absent
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < low || n > high {
		p.fault("%s=%s is no number from %d to %d", name, s, low, high)
		return absent
	}
	return n
}

func (p *parameters) time(name string) time.Time {
	s := p.values.Get(name)
	if s == "" {
		return time.Time{}
	}
	// A plus sign that was not escaped arrives as a blank.
	t, err := platform.ParseTime(strings.ReplaceAll(s, " ", "+"))
	if err != nil {
		p.fault("%s=%s is no time such as 2026-01-31T12:00:00.000Z", name, s)
	}
	return t
}

// refuse faults parameters that would narrow a list and are not known here:
// passed over, they would answer with too much.
func (p *parameters) refuse(names ...string) {
	for _, name := range names {
		if p.values.Has(name) {
			p.fault("the parameter %s is not supported", name)
		}
	}
}

// only faults every parameter but the named ones.
func (p *parameters) only(names ...string) {
	for name := range p.values {
		if !slices.Contains(names, name) {
			p.fault("the parameter %s is not known here: the request would touch more than was meant", name)
		}
	}
}

// paging is what a request says of the page that it wants.
type paging struct {
	number                  int64
	cursor                  string
	size                    int64
	withPages, withElements bool
}

func (p *parameters) paging(size int64) paging {
	g := paging{
		number:       p.integer("currentPage", 1, 1, maxPage),
		size:         p.integer("pageSize", size, 1, platform.MaxPageSize),
		cursor:       p.text("cursor"),
		withPages:    p.bool("withTotalPages"),
		withElements: p.bool("withTotalElements"),
	}
	if len(g.cursor) > filter.MaxCursor {
		p.fault("the cursor is none of ours")
	}
	return g
}

func (g paging) page() Page {
	p := Page{Size: int(g.size), Cursor: g.cursor, Total: g.withPages || g.withElements}
	if p.Cursor == "" {
		p.Skip = (g.number - 1) * g.size
	}
	return p
}

// selection is which managed objects a list is to show. Parameters that ask for
// relations would answer with too much if they were passed over; every object is a
// root as long as there are none.
func (p *parameters) selection() filter.Selection {
	p.refuse("childAdditionId", "childAssetId", "childDeviceId")
	s, err := filter.Language{}.Selection(p.values)
	if p.err == nil {
		p.err = err
	}
	return s
}

// operationParameters are those of operationFilter.
var operationParameters = []string{"deviceId", "agentId", "status", "fragmentType", "dateFrom", "dateTo", "revert"}

func (p *parameters) operationFilter() OperationFilter {
	p.refuse("bulkOperationId")
	f := OperationFilter{FragmentType: p.text("fragmentType"), From: p.time("dateFrom"), To: p.time("dateTo"), Revert: p.bool("revert")}
	if s := p.text("status"); s != "" {
		status, err := platform.ParseStatus(s)
		if err != nil {
			p.fault("status=%s is none of PENDING, EXECUTING, SUCCESSFUL, FAILED", s)
		}
		f.Status = status
	}
	// A device is its own agent, so both parameters mean the device.
	for _, name := range []string{"deviceId", "agentId"} {
		s := p.text(name)
		if s == "" {
			continue
		}
		id, err := ids.ParseObject(s)
		if err != nil || (f.HasDevice && f.Device != id) {
			p.fault("%s=%s is no ID of the device that is meant", name, s)
		}
		f.Device, f.HasDevice = id, true
	}
	return f
}

// below is the path that values are asked for, the root for all.
func (p *parameters) below() lwm2m.Path {
	s := p.text("path")
	if s == "" {
		return lwm2m.Path{}
	}
	path, err := lwm2m.ParsePath(s)
	if err != nil {
		p.fault("path=%s is no path such as /3/0", s)
	}
	return path
}
