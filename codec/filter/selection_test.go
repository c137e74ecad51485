package filter

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"dormouse/codec/ids"
)

func parameters(t testing.TB, raw string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSelection(t *testing.T) {
	for raw, want := range map[string]string{
		"":                                `{[] true   0 0 false}`,
		"type=a&owner=b&fragmentType=c.d": `{[] true $filter=(((type eq 'a' and owner eq 'b') and has(c.d)))  0 0 false}`,
		"query=$filter%3D(name+eq+'x*')%20$orderby%3Dname&type=t*": `{[] true $filter=((name eq 'x*' and type eq 't\*')) $orderby=name asc  0 0 false}`,
		"q=$orderby%3Dname":           `{[] true $filter=(has(c8y_IsDevice)) $orderby=name asc  0 0 false}`,
		"q=":                          `{[] true $filter=(has(c8y_IsDevice))  0 0 false}`,
		"ids=1,%202":                  `{[1 2] false   0 0 false}`,
		"text=ab&onlyRoots=true":      `{[] true  ab 0 0 true}`,
		"childAssetId=7":              `{[] true   1 7 false}`,
		"childDeviceId=7":             `{[] true   2 7 false}`,
		"childAdditionId=7&unknown=x": `{[] true   3 7 false}`,
	} {
		s, err := Language{}.Selection(parameters(t, raw))
		got := fmt.Sprint("{", s.IDs, " ", s.IDs == nil, " ", s.Query, " ", s.Text, " ", s.Parents, " ", s.Child, " ", s.OnlyRoots, "}")
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", raw, got, err, want)
		}
	}
	for raw, want := range map[string]error{
		"ids=": ErrParameter, "ids=1,x": ErrParameter, "ids=" + strings.Repeat("1,", MaxIDs) + "1": ErrParameter, "onlyRoots=yes": ErrParameter,
		"childAssetId=x": ErrParameter, "childAssetId=1&childDeviceId=2": ErrParameter, "text=" + strings.Repeat("x", maxText+1): ErrParameter,
		"query=name": ErrSyntax, "q=(": ErrSyntax, "query=bygroupid(1)": ErrUnsupported,
	} {
		if s, err := (Language{}).Selection(parameters(t, raw)); !errors.Is(err, want) {
			t.Errorf("%.40s: %+v, %v", raw, s, err)
		}
	}
}

func TestSelectionMatch(t *testing.T) {
	m := device(t)
	for raw, want := range map[string]bool{
		"": true, "type=c8y_lwm2m": true, "type=x": false, "owner=x": false, "fragmentType=c8y_IsDevice": true, "fragmentType=c8y_Hardware.model": false,
		"q=": true, "ids=18446744073709551615,5": true, "ids=5": false, "text=rasppi": true, "text=C8Y_": true, "text=URN": true, "text=urn:imei:2": false, "text=pi": false,
		"query=name+eq+'*01'&text=rasp": true, "query=name+eq+'*02'&text=rasp": false,
	} {
		s, err := Language{}.Selection(parameters(t, raw))
		if err != nil || s.Match(m) != want {
			t.Errorf("%s: not %t, %v", raw, want, err)
		}
	}
	s := Selection{IDs: []ids.Object{}}
	if s.Match(m) {
		t.Error("no IDs are every ID")
	}
}

func TestView(t *testing.T) {
	for raw, want := range map[string]View{
		"": {Children: true, Names: true}, "withParents=true&withChildren=false": {Parents: true, Names: true},
		"withChildrenCount=true&skipChildrenNames=true": {Children: true, ChildrenCount: true},
	} {
		if got, err := ParseView(parameters(t, raw)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", raw, got, err)
		}
	}
	if _, err := ParseView(parameters(t, "withParents=x")); !errors.Is(err, ErrParameter) {
		t.Error(err)
	}
}

// What was read from parameters can be read again elsewhere.
func TestConditionsTravel(t *testing.T) {
	m := device(t)
	for _, raw := range []string{"", "type=a&owner=b&fragmentType=c.d", "fragmentType=c8y_IsDevice", "fragmentType=not+a+(path", "q=", "text=ras&ids=1",
		"query=$filter%3D(name+eq+'x*')%20$orderby%3Dname&type=t*&pageSize=5", "query=name+eq+'" + strings.Repeat("x", MaxLength-10) + "'"} {
		s, err := Language{}.Selection(parameters(t, raw))
		if err != nil {
			t.Fatal(err)
		}
		text, ok := s.Conditions()
		again, err := Language{}.Selection(parameters(t, text))
		if !ok || err != nil || again.Query.String() != s.Query.String() || again.Text != s.Text || again.IDs != nil {
			t.Errorf("%.60s became %.60s, %t, %v", raw, text, ok, err)
		}
		if again.IDs = s.IDs; again.Match(m) != s.Match(m) {
			t.Errorf("%.60s matches otherwise as %.60s", raw, text)
		}
	}
	for _, c := range []struct {
		made Selection
		ok   bool
	}{{Selection{}, true}, {Selection{IDs: []ids.Object{1}}, true}, {Selection{Query: Has("a")}, false}, {Selection{Text: "a"}, false}} {
		if text, ok := c.made.Conditions(); ok != c.ok || text != "" {
			t.Errorf("%+v: %q, %t", c.made, text, ok)
		}
	}
}
