package bootstrap

import (
	"errors"
	"slices"
	"strconv"

	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
)

// found is what a Bootstrap-Discover tells, as far as the plan needs it.
type found struct {
	answered bool
	version  lwm2m.Version // zero: not said
	accounts []uint16      // instances of /0 that are accounts at a bootstrap server
	security []uint16      // the others
	server   bool          // there is something of /1
	access   bool          // there is something of /2
	shared   []lwm2m.Path  // instances of objects that servers share: all but 0, 1, 2, 21, 23
}

// Bounds of found. A device has one account and two or three servers.
const (
	maxSecurity = 64
	maxShared   = 64 // more are left without access control of ours
)

var errTooMany = errors.New("bootstrap: too many instances of /0")

// Objects of the enabler.
const (
	objectSecurity = 0
	objectServer   = 1
	objectAccess   = 2
	objectDevice   = 3
)

// parseDiscover reads the answer to a Bootstrap-Discover (OMA Core 6.1.7.4). The account
// at a bootstrap server is the instance of /0 that has no ssid; or the one whose ssid
// the account was given, as the registry allows it there.
func parseDiscover(payload []byte, a *Account) (found, error) {
	list, err := link.ParseDiscover(payload, "")
	if err != nil {
		return found{}, err
	}
	f := found{answered: true}
	for _, d := range list {
		switch p := d.Path; {
		case p.IsRoot():
			f.readVersion(d.Attributes)
		case p.Object() == objectSecurity && p.Len() >= 2:
			f.addSecurity(p.Instance(), d.Attributes, a)
		case p.Object() == objectServer:
			f.server = f.server || p.Len() >= 2
		case p.Object() == objectAccess:
			f.access = f.access || p.Len() >= 2
		case p.Len() >= 2 && shared(p.Object()) && len(f.shared) < maxShared:
			if at := p.Prefix(2); !slices.Contains(f.shared, at) {
				f.shared = append(f.shared, at)
			}
		}
		if len(f.accounts)+len(f.security) > maxSecurity {
			return found{}, errTooMany
		}
	}
	return f, nil
}

// shared reports an object whose instances belong to all servers of a device: neither
// the enabler's own nor one that holds credentials (21 OSCORE, 23 COSE).
func shared(object uint16) bool {
	return object > objectAccess && object != 21 && object != 23
}

func (f *found) readVersion(params []link.Param) {
	if text, ok := param(params, "lwm2m"); ok {
		if v, err := lwm2m.ParseVersion(text); err == nil {
			f.version = v
		}
	}
}

// addSecurity takes an instance of /0 once, however often it is listed. Of several
// accounts the one with our URI comes first.
func (f *found) addSecurity(instance uint16, params []link.Param, a *Account) {
	if slices.Contains(f.accounts, instance) || slices.Contains(f.security, instance) {
		return
	}
	uri, named := param(params, "uri")
	ours := named && a.URI != "" && uri == a.URI
	switch {
	case !ours && foreign(params, a):
		f.security = append(f.security, instance)
	case ours:
		f.accounts = slices.Insert(f.accounts, 0, instance)
	default:
		f.accounts = append(f.accounts, instance)
	}
}

// foreign reports an ssid that makes the instance one of an LwM2M server. 0 and 65535
// are none of such.
func foreign(params []link.Param, a *Account) bool {
	text, ok := param(params, "ssid")
	id, err := strconv.ParseUint(text, 10, 16)
	if !ok || err != nil || id == 0 || id == 65535 {
		return false
	}
	return a.ShortID == 0 || uint16(id) != a.ShortID
}

func param(params []link.Param, name string) (string, bool) {
	for _, p := range params {
		if p.Name == name && !p.Flag {
			return p.Value, true
		}
	}
	return "", false
}
