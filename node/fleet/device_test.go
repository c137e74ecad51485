package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/actors/observe"
	"dormouse/codec/link"
	"dormouse/codec/lwm2m"
	"dormouse/codec/platform"
	"dormouse/codec/query"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// fullDevice sets every field that a client sees.
func fullDevice(t *testing.T) func(*endpoint.Registration, *endpoint.Contact) {
	path := func(s string) lwm2m.Path {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	return func(r *endpoint.Registration, c *endpoint.Contact) {
		r.Created, r.Since, r.Count, r.Version = begin.Add(-48*time.Hour), begin.Add(-time.Hour), 7, lwm2m.V1_1
		r.Binding, r.Queue, r.SMS, r.Profile = "UT", true, "49123", "6:1234abcd"
		r.Extra = []query.Pair{{Name: "hb", Flag: true}, {Name: "vendor", Value: "x"}}
		r.Objects = link.ObjectList{Root: "/lwm2m", Formats: []lwm2m.Format{lwm2m.FormatSenMLCBOR, lwm2m.FormatTLV},
			Objects: []link.Object{{Path: path("/3/0")}, {Path: path("/5"), Version: lwm2m.Version{Major: 1, Minor: 1}}}}
		r.Observations = observe.Set{{Paths: []lwm2m.Path{path("/1/0/1"), path("/3/0/9")}, Composite: true, Since: begin.Add(-time.Minute)},
			{Paths: []lwm2m.Path{path("/3303/0/5700")}, Pending: true}}
		r.Settings.Fragments = `{"owner":"ann","awakeTimeRegistrationParameter":20000,"note":"in the cellar"}`
		c.Count, c.Queue, c.LastContact, c.LastUpdate = 7, true, begin.Add(-time.Second), begin.Add(-time.Minute)
	}
}

func TestPresence(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		for name, tc := range map[string]struct {
			change             func(*endpoint.Registration, *endpoint.Contact)
			status, connection string
		}{
			"registered":    {nil, "AVAILABLE", "CONNECTED"},
			"gone":          {func(r *endpoint.Registration, c *endpoint.Contact) { r.Registered, c.Registered = false, false }, "UNAVAILABLE", "DISCONNECTED"},
			"asleep":        {func(_ *endpoint.Registration, c *endpoint.Contact) { c.Asleep = true }, "AVAILABLE", "DISCONNECTED"},
			"window over":   {func(_ *endpoint.Registration, c *endpoint.Contact) { c.Queue, c.LastContact = true, begin.Add(-94e9) }, "AVAILABLE", "DISCONNECTED"},
			"window":        {func(_ *endpoint.Registration, c *endpoint.Contact) { c.Queue, c.LastContact = true, begin.Add(-93e9) }, "AVAILABLE", "CONNECTED"},
			"interval over": {func(_ *endpoint.Registration, c *endpoint.Contact) { c.LastContact = begin.Add(-721e9) }, "UNAVAILABLE", "CONNECTED"},
			"interval":      {func(_ *endpoint.Registration, c *endpoint.Contact) { c.LastContact = begin.Add(-720e9) }, "AVAILABLE", "CONNECTED"},
			"for ever":      {func(r *endpoint.Registration, c *endpoint.Contact) { r.Lifetime, c.LastContact = 0, begin.Add(-1e18) }, "AVAILABLE", "CONNECTED"},
			"own interval": {func(r *endpoint.Registration, c *endpoint.Contact) {
				r.Settings.Interval, c.LastContact = 1, begin.Add(-61e9)
			}, "UNAVAILABLE", "CONNECTED"},
			"lifetime rounded": {func(r *endpoint.Registration, c *endpoint.Contact) { r.Lifetime, c.LastContact = 1, begin.Add(-180e9) }, "AVAILABLE", "CONNECTED"},
		} {
			id := n.device(name, tc.change)
			r, found, err := n.Fleet.records(id)
			if err != nil || !found {
				t.Fatal(err)
			}
			if status, connection := n.presence(r, begin); status != tc.status || connection != tc.connection {
				t.Errorf("%s: %s, %s; want %s, %s", name, status, connection, tc.status, tc.connection)
			}
		}
	})
}

// TestDeviceGolden is a device as clients see it, every field set.
func TestDeviceGolden(t *testing.T) {
	inTime(t, func(t *testing.T, n *node) {
		id := n.device("urn:dev:1", fullDevice(t))
		m, err := n.Object(context.Background(), id.Object())
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Indent(&got, platform.AppendManagedObject(nil, &m, ""), "", "\t"); err != nil {
			t.Fatal(err)
		}
		got.WriteByte('\n')
		const file = "testdata/device.json"
		if *rewrite {
			if err := os.WriteFile(file, got.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s\nis not %s (-rewrite): %v", got.Bytes(), file, err)
		}
	})
}
