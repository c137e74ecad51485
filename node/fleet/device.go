package fleet

import (
	"encoding/json"
	"fmt"
	"time"

	"dormouse/actors/endpoint"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
	"dormouse/codec/wire"
)

// deviceType is the type of a device's managed object unless a client set
// another one (platform 19).
const deviceType = "c8y_lwm2m"

// slack is added to the lifetime for the required interval (platform 17).
const slack = 2 * time.Minute

// records are the two of an endpoint.
type records struct {
	id           ids.Endpoint
	registration *endpoint.Registration
	contact      endpoint.Contact
}

// records reads an endpoint; found is false where it was deleted meanwhile.
func (v view) records(id ids.Endpoint) (r records, found bool, err error) {
	shard, key := v.env.Shards.Of(id), wire.EndpointKey(id)
	registration, found, err := v.get(shard, wire.ClassRegistration, key)
	if err != nil || !found {
		return r, false, err
	}
	contact, found, err := v.get(shard, wire.ClassContact, key)
	if err != nil || !found {
		return r, false, err
	}
	r, err = parseRecords(id, registration, contact)
	return r, err == nil, err
}

func parseRecords(id ids.Endpoint, registration, contact []byte) (r records, err error) {
	r.id = id
	if r.registration, err = endpoint.ParseRegistration(registration); err != nil {
		return r, fmt.Errorf("fleet: registration of endpoint %016x: %w", uint64(id), err)
	}
	if err := r.contact.Parse(contact); err != nil {
		return r, fmt.Errorf("fleet: contact of endpoint %016x: %w", uint64(id), err)
	}
	return r, nil
}

// managedObject shows a device as the platform does.
func (v view) managedObject(r records, now time.Time) platform.ManagedObject {
	reg := r.registration
	m := platform.ManagedObject{
		ID: r.id.Object(), Type: deviceType, Name: reg.Name,
		Created: reg.Created, Updated: r.contact.LastContact,
	}
	kept, err := platform.ParseFragments([]byte(reg.Settings.Fragments))
	if err != nil {
		kept = nil // none are stored
	}
	for _, t := range []struct {
		name string
		to   *string
	}{{"type", &m.Type}, {"name", &m.Name}, {"owner", &m.Owner}} {
		if text, err := kept.Text(t.name); err == nil && text != "" {
			*t.to = text
		}
	}
	m.Fragments = v.ownFragments(r, now).Merge(kept.Without("type", "name", "owner"))
	return m
}

// ownFragments are those that the server makes.
func (v view) ownFragments(r records, now time.Time) platform.Fragments {
	reg := r.registration
	status, connection := v.presence(r, now)
	return platform.Fragments{
		{Name: "c8y_IsDevice", Raw: json.RawMessage("{}")},
		{Name: "lwm2mEndpoint", Raw: raw(reg.Name)},
		{Name: "c8y_SupportedOperations", Raw: json.RawMessage(`["c8y_Command"]`)},
		{Name: "c8y_Availability", Raw: raw(availability{status, stamp(r.contact.LastContact)})},
		{Name: "c8y_RequiredAvailability", Raw: raw(required{requiredMinutes(reg)})},
		{Name: "c8y_Connection", Raw: raw(struct {
			Status string `json:"status"`
		}{connection})},
		{Name: "c8y_LwM2MRegistration", Raw: raw(v.registrationView(r, now))},
	}
}

type availability struct {
	Status      string `json:"status"`
	LastMessage string `json:"lastMessage"`
}

type required struct {
	ResponseInterval int64 `json:"responseInterval"`
}

// presence is made from what is stored, so a node that forgot shows nobody
// online: AVAILABLE needs a live registration and a message in the interval.
func (v view) presence(r records, now time.Time) (status, connection string) {
	reg, c := r.registration, &r.contact
	status, connection = "UNAVAILABLE", "DISCONNECTED"
	minutes := requiredMinutes(reg)
	if reg.Registered && (minutes == 0 || now.Sub(c.LastContact) <= time.Duration(minutes)*time.Minute) {
		status = "AVAILABLE"
	}
	if minutes < 0 {
		status = "MAINTENANCE"
	}
	if reg.Registered && c.Listens(now, v.env.Settings()) {
		connection = "CONNECTED"
	}
	return status, connection
}

// requiredMinutes is the interval that was set, else the lifetime and 2 min;
// 0 for a registration that never ends.
func requiredMinutes(reg *endpoint.Registration) int64 {
	switch {
	case reg.Settings.Interval != 0:
		return reg.Settings.Interval
	case reg.Lifetime <= 0:
		return 0
	}
	return (reg.Lifetime + int64(slack/time.Second) + 59) / 60
}

// registrationView is what is known of a device's registration.
type registrationView struct {
	Registered   bool              `json:"registered"`
	Location     string            `json:"location,omitempty"`
	Version      string            `json:"lwm2mVersion"`
	Lifetime     int64             `json:"lifetime"`
	Binding      string            `json:"bindingMode"`
	QueueMode    bool              `json:"queueMode"`
	SMS          string            `json:"smsNumber,omitempty"`
	Profile      string            `json:"profileId,omitempty"`
	Registration string            `json:"registrationTime"`
	Update       string            `json:"lastUpdate"`
	NextContact  string            `json:"nextContactExpected,omitempty"`
	Expires      string            `json:"expires,omitempty"`
	Address      string            `json:"address"`
	Security     string            `json:"securityMode"`          // NO_SEC or PSK (platform 3)
	Session      bool              `json:"dtlsSession,omitempty"` // there is one: the device need not make a handshake
	Root         string            `json:"rootPath,omitempty"`
	Formats      []uint16          `json:"contentFormats,omitempty"`
	Objects      []string          `json:"objects"`
	Observations []observationView `json:"observations,omitempty"`
	Additional   map[string]string `json:"additionalAttributes,omitempty"`
}

type observationView struct {
	Paths     []string `json:"paths"`
	Composite bool     `json:"composite,omitempty"`
	Since     string   `json:"since,omitempty"`
	Pending   bool     `json:"pending,omitempty"`
}

func (w view) registrationView(r records, now time.Time) registrationView {
	reg, c := r.registration, &r.contact
	v := registrationView{
		Registered: reg.Registered, Version: reg.Version.String(), Lifetime: reg.Lifetime,
		Binding: reg.Binding, QueueMode: reg.Queue, SMS: reg.SMS, Profile: reg.Profile,
		Registration: stamp(reg.Since), Update: stamp(c.LastUpdate),
		Address: c.Path.Peer.String(), Root: reg.Objects.Root, Objects: []string{},
		Security: "NO_SEC", Session: c.Session != nil,
	}
	if c.Secured {
		v.Security = "PSK"
	}
	if reg.Registered {
		v.Location = "/rd/" + reg.Location(r.id).String()
		v.NextContact = stamp(endpoint.Expiry(c, 0))
		v.Expires = stamp(w.expires(r, now))
	}
	for _, format := range reg.Objects.Formats {
		v.Formats = append(v.Formats, uint16(format))
	}
	for _, o := range reg.Objects.Objects {
		text := o.Path.String()
		if !o.Version.IsZero() {
			text += ";ver=" + o.Version.String()
		}
		v.Objects = append(v.Objects, text)
	}
	for _, o := range reg.Observations {
		view := observationView{Composite: o.Composite, Since: stamp(o.Since), Pending: o.Pending}
		for _, p := range o.Paths {
			view.Paths = append(view.Paths, p.String())
		}
		v.Observations = append(v.Observations, view)
	}
	for _, p := range reg.Extra {
		if v.Additional == nil {
			v.Additional = map[string]string{}
		}
		v.Additional[p.Name] = p.Value
	}
	return v
}

// stamp is a time as the platform writes it, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// raw encodes what always can be encoded.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("fleet: " + err.Error())
	}
	return b
}
