package command

import (
	"errors"
	"fmt"
	"testing"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// TestObservation: the path set that a line makes or ends, and the requests
// that are made from it later.
func TestObservation(t *testing.T) {
	for _, c := range []struct {
		text string
		want string
		ends bool
	}{
		{"observe /3/0/7", "[/3/0/7]", false},
		{"cobserve /3/0/16 /1/0/1 /3/0/16", "[/1/0/1 /3/0/16]", false},
		{"cancelobservation /3/0/16 /1/0/1", "[/1/0/1 /3/0/16]", true},
		{"cancelobservation -p /1/0/1", "[/1/0/1]", true},
		{"writeattr /3/0/7 pmin=1&cancel", "[/3/0/7]", true},
		{"writeattr /3/0/7 pmin=1", "", false},
		{"read /3/0/7", "", false},
		{"cread /3/0/7", "", false},
	} {
		l := parseOne(t, c.text)
		paths, format, ok := l.Observation()
		if ok != (c.want != "") || ok && fmt.Sprint(paths) != c.want || l.Ends() != c.ends || format != lwm2m.FormatNone {
			t.Errorf("%s: %v, %s, %t, ends %t", c.text, paths, format, ok, l.Ends())
		}
	}
	d := device(lwm2m.V1_1)
	paths := []lwm2m.Path{lwm2m.NewPath(3, 0, 16), lwm2m.NewPath(1, 0, 1)}
	made, err := parseOne(t, "cobserve /3/0/16 /1/0/1").Request(d)
	if err != nil {
		t.Fatal(err)
	}
	cancel, err := CancelRequest(d, paths, made.Accept, []byte{1, 2})
	if err != nil || show(cancel) != "FETCH / cf=SENML_CBOR accept=SENML_CBOR observe=1" || string(cancel.Payload) != string(made.Payload) || string(cancel.Token) != "\x01\x02" {
		t.Errorf("cancel: %s %x %x, %v; made by %x", show(cancel), cancel.Token, cancel.Payload, err, made.Payload)
	}
	again, err := ObserveRequest(d, paths, lwm2m.FormatSenMLJSON, []query.Attribute{{Name: "pmin", Value: "5"}})
	if err != nil || show(again) != "FETCH /?pmin=5 cf=SENML_JSON accept=SENML_JSON observe=0" {
		t.Errorf("again: %s, %v", show(again), err)
	}
	again, err = ObserveRequest(d, []lwm2m.Path{{}}, lwm2m.FormatNone, nil)
	if err != nil || show(again) != "FETCH / cf=SENML_CBOR accept=SENML_CBOR observe=0" {
		t.Errorf("root: %s, %v", show(again), err)
	}
	attributes := AttributesRequest(d, lwm2m.NewPath(3, 0), []query.Attribute{{Name: "pmax", Value: "7"}, {Name: "gt", Remove: true}})
	if show(attributes) != "PUT /3/0?pmax=7&gt" {
		t.Errorf("attributes: %s", show(attributes))
	}
	if _, err := ObserveRequest(d, nil, lwm2m.FormatNone, nil); !errors.Is(err, ErrNoPath) {
		t.Errorf("nothing to observe: %v", err)
	}
}
