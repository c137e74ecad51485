package provision

import (
	"fmt"
	"strings"
	"time"

	"dormouse/codec/platform"
)

// Rules are what the settings of a node say about fields.
type Rules struct {
	// MaxRequestTimeout is the most that lwm2mRequestTimeout may be; 0: 600 s.
	MaxRequestTimeout time.Duration
}

// bounds are those of an integer.
func (c check) bounds() (least, most int64) {
	if c.Name != "lwm2mRequestTimeout" {
		return c.Min, c.Max
	}
	most = c.rules.MaxRequestTimeout.Milliseconds()
	if most == 0 {
		most = 600_000
	}
	return c.Min, max(c.Min, min(c.Max, most))
}

// Check holds a device that was put together or changed by code against all
// rules; the keys must be in it.
func (d Device) Check(rules Rules) Faults {
	b := builder{device: d, rules: rules, generated: true}
	b.device.Servers = append([]Server(nil), d.Servers...) // which the look at its values writes
	reread(&b, devices, &b.device, "")
	for i := range b.device.Servers {
		reread(&b, servers, &b.device.Servers[i], serverName(i))
	}
	b.related()
	return b.faults
}

// reread holds each value against its own rule: the one of its parser.
func reread[T any](b *builder, t *table[T], v *T, at string) {
	for i := range t.columns {
		c := &t.columns[i]
		if s, given := c.text(v); given {
			if reason := c.parse(check{&c.Field, b.rules}, v, s); reason != "" {
				b.fault(&c.Field, at, reason)
			}
		}
	}
}

// related has the rules between fields. A field that has a fault of its own is
// left alone by them, and so is what hangs on it.
func (b *builder) related() {
	d := &b.device
	s := situation{mode: d.Mode, bootstrapMode: d.BootstrapSecurity(), bootstrap: d.HasBootstrap(), listed: len(d.Servers) > 0}
	s.account = d.BootstrapPSKID != "" || !d.BootstrapPSKKey.IsZero()
	if b.faulty("bootstrapSecurityMode") {
		s.bootstrapMode = ""
	}
	needs(b, devices, d, "", &s)
	if d.Mode == PSKGenerated {
		b.generatedPSK()
	}
	if s.listed && d.ServerURI != "" {
		b.about("lwm2mServerUri", "must not be given together with "+serversName)
	}
	if reason := mismatch(d.ServerURI, d.Mode); reason != "" {
		b.about("lwm2mServerUri", reason)
	}
	b.servers()
}

// situation is what it depends on whether a field is needed.
type situation struct {
	mode, bootstrapMode SecurityMode // "": not known, nothing depends on it
	bootstrap           bool         // the device has a bootstrap
	account             bool         // it has a part of a bootstrap account with PSK
	listed              bool         // its servers are a list
}

// inherited is the mode of a server that is the device's.
const inherited SecurityMode = "inherited"

// needs goes through the fields that must or must not be there.
func needs[T any](b *builder, t *table[T], v *T, at string, s *situation) {
	for i := range t.columns {
		c := &t.columns[i]
		if c.Need == NeedNever {
			continue
		}
		if reason := s.need(c.Need, c.has(v)); reason != "" && !b.faulty(member(at, c.Name)) {
			b.fault(&c.Field, at, reason)
		}
	}
}

// need says what is wrong with a field that is given or not.
func (s *situation) need(n Need, given bool) string {
	switch {
	case n == NeedAlways && !given:
		return "is missing"
	case n == NeedBootstrap && !given && s.bootstrap && !s.listed:
		return "is missing, and mandatory for a bootstrap"
	case n == NeedPSK && !given && s.mode == PSK:
		return "is missing, and mandatory for PSK"
	case n == NeedPSK && given && s.mode == NoSec:
		return "must not be given for NO_SEC"
	case n == NeedPSK && given && s.mode == inherited:
		return "must not be given without a securityMode of PSK beside it"
	case n == NeedBootstrapPSK && !given && s.bootstrapMode == PSK && (s.bootstrap || s.account):
		return "is missing, and mandatory for a bootstrap with PSK"
	case n == NeedBootstrapPSK && given && s.bootstrapMode == NoSec:
		return "must not be given for a bootstrap with NO_SEC"
	}
	return ""
}

// generatedPSK has the rules of an identity that is the endpoint's name.
func (b *builder) generatedPSK() {
	d := &b.device
	if d.PSKID != "" && d.PSKID != d.Endpoint {
		b.about("lwm2mPskId", "is the endpoint id for PSK_GENERATED, and need not be given")
	}
	if !d.PSKKey.IsZero() && !b.generated {
		b.about("lwm2mPskKey", "must not be given for PSK_GENERATED, which makes one")
	}
	if len(d.Endpoint) > platform.MaxIdentity {
		b.about("endpointId", fmt.Sprintf("has %d bytes, at most %d where it is the identity of PSK_GENERATED", len(d.Endpoint), platform.MaxIdentity))
	}
}

// mismatch holds the scheme of a server against the mode of its connection.
func mismatch(uri string, mode SecurityMode) string {
	secure := len(uri) >= 6 && strings.EqualFold(uri[:6], "coaps:")
	switch {
	case uri == "" || mode == "" || secure == (mode != NoSec):
		return ""
	case secure:
		return "must begin with coap:// for NO_SEC"
	}
	return "must begin with coaps:// for " + string(mode)
}

// servers has the rules of a list of servers.
func (b *builder) servers() {
	if len(b.device.Servers) == 0 {
		return
	}
	seen := make(map[uint16]int, len(b.device.Servers))
	for i := range b.device.Servers {
		s, at := &b.device.Servers[i], serverName(i)
		b.server(s, at)
		if b.faulty(member(at, "shortServerId")) {
			continue
		}
		id := s.ShortServerID.Or(b.device.ShortServerID.Or(DefaultShortServerID))
		if before, found := seen[id]; found {
			b.fault(&servers.columns[servers.names["shortServerId"]].Field, at, "is that of "+serverName(before)+", too")
		} else {
			seen[id] = i
		}
	}
}

func (b *builder) server(s *Server, at string) {
	mode := s.Security.Mode
	switch {
	case b.faulty(member(at, "securityMode")):
		mode = ""
	case mode == "":
		mode = inherited
	}
	needs(b, servers, s, at, &situation{mode: mode})
	if mode == inherited {
		mode = b.device.Mode
	}
	if reason := mismatch(s.URI, mode); reason != "" && !b.faulty(member(at, "uri")) {
		b.fault(&servers.columns[servers.names["uri"]].Field, at, reason)
	}
}
