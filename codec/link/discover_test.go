package link

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func found(path string, attributes ...Param) Discovered {
	return Discovered{Path: object(path).Path, Attributes: attributes}
}

// discovered are the answers that the specification prints; strict ones are
// written again byte for byte.
var discovered = []struct {
	text, root string
	want       []Discovered
	strict     bool
}{
	{
		text: `</3>;pmin=10, </3/0>;pmax=60, </3/0/1>, </3/0/6>;dim=2, </3/0/7>;dim=2;gt=50;lt=42.2, </3/0/11>`,
		want: []Discovered{
			found("/3", attr("pmin", "10")), found("/3/0", attr("pmax", "60")), found("/3/0/1"), found("/3/0/6", attr("dim", "2")),
			found("/3/0/7", attr("dim", "2"), attr("gt", "50"), attr("lt", "42.2")), found("/3/0/11"),
		},
	},
	{
		text: `</3/0/7>;dim=2;pmin=10;pmax=60;gt=50;lt=42.2, </3/0/7/0>, </3/0/7/1>;lt=45`,
		want: []Discovered{
			found("/3/0/7", attr("dim", "2"), attr("pmin", "10"), attr("pmax", "60"), attr("gt", "50"), attr("lt", "42.2")),
			found("/3/0/7/0"), found("/3/0/7/1", attr("lt", "45")),
		},
	},
	{
		text:   `</3/0/7>;pmin=10;pmax=200;dim=2;lt=1;gt=6;st=1`,
		want:   []Discovered{found("/3/0/7", attr("pmin", "10"), attr("pmax", "200"), attr("dim", "2"), attr("lt", "1"), attr("gt", "6"), attr("st", "1"))},
		strict: true,
	},
	{
		text:   `</3/0/11>;dim=1;pmin=10;pmax=320,</3/0/11/0>;pmax=100;epmin=1;epmax=20`,
		want:   []Discovered{found("/3/0/11", attr("dim", "1"), attr("pmin", "10"), attr("pmax", "320")), found("/3/0/11/0", attr("pmax", "100"), attr("epmin", "1"), attr("epmax", "20"))},
		strict: true,
	},
	{text: `</1>, </1/0>, </1/4>;pmax=300`, want: []Discovered{found("/1"), found("/1/0"), found("/1/4", attr("pmax", "300"))}},
	{text: `</3/0>;pmin=10;pmax=60`, want: []Discovered{found("/3/0", attr("pmin", "10"), attr("pmax", "60"))}, strict: true},
	{text: `</10>;ver=1.1,</10/0>`, want: []Discovered{found("/10", attr("ver", "1.1")), found("/10/0")}, strict: true},
	{
		text: `</>;lwm2m=1.1,</0/0>;ssid=101;uri="coaps://server_1.example.com", </0/1/>, </0/2>;ssid=102;uri="coaps://server_2.example.com"`,
		want: []Discovered{
			found("/", attr("lwm2m", "1.1")), found("/0/0", attr("ssid", "101"), attr("uri", "coaps://server_1.example.com")),
			found("/0/1"), found("/0/2", attr("ssid", "102"), attr("uri", "coaps://server_2.example.com")),
		},
	},
	{
		text: `lwm2m="1.1",</0/0>;ssid=1,</0/1>,</1/0>;ssid=1,</3/0>`,
		want: []Discovered{found("/", attr("lwm2m", "1.1")), found("/0/0", attr("ssid", "1")), found("/0/1"), found("/1/0", attr("ssid", "1")), found("/3/0")},
	},
	{
		text:   `</>;lwm2m=1.2,</0/0>;ssid=101;uri="coaps://a.example",</0/1>,</21/0>;ssid=101,</24/1>,</23/65>`,
		want:   []Discovered{found("/", attr("lwm2m", "1.2")), found("/0/0", attr("ssid", "101"), attr("uri", "coaps://a.example")), found("/0/1"), found("/21/0", attr("ssid", "101")), found("/24/1"), found("/23/65")},
		strict: true,
	},
	{text: `</lwm2m>,</lwm2m/3/0>;pmin=1`, root: "/lwm2m", want: []Discovered{found("/"), found("/3/0", attr("pmin", "1"))}, strict: true},
	{text: `</3/0>,</x>,</lwm2mx/3>`, root: "/lwm2m", want: []Discovered{found("/3/0")}},
	{text: ``, want: []Discovered{}, strict: true},
}

func TestDiscover(t *testing.T) {
	for _, c := range discovered {
		got, err := ParseDiscover([]byte(c.text), c.root)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("ParseDiscover(%q, %q) = %v, %v; want %v", c.text, c.root, got, err, c.want)
		}
		text := string(AppendDiscover(nil, c.want, c.root))
		if c.strict && text != c.text {
			t.Errorf("AppendDiscover = %q, want %q", text, c.text)
		}
		again, err := ParseDiscover([]byte(text), c.root)
		if err != nil || !reflect.DeepEqual(again, c.want) {
			t.Errorf("what was written, %q, reads as %v, %v", text, again, err)
		}
	}
}

func TestDiscoverRefuses(t *testing.T) {
	for _, text := range []string{`</3></3/0>`, `{}`, "\x08\x00\x79"} {
		if got, err := ParseDiscover([]byte(text), ""); !errors.Is(err, ErrLink) {
			t.Errorf("ParseDiscover(%q) = %v, %v; want ErrLink", text, got, err)
		}
	}
}

func FuzzParseDiscover(f *testing.F) {
	for _, c := range discovered {
		f.Add([]byte(c.text), c.root)
	}
	f.Fuzz(func(t *testing.T, b []byte, root string) {
		if decoded, ok := rootOf(rootTarget(root)); !ok || decoded != root || strings.Contains(root, "//") {
			root = ""
		}
		found, err := ParseDiscover(b, root)
		if err != nil {
			return
		}
		text := AppendDiscover(nil, found, root)
		again, err := ParseDiscover(text, root)
		if err != nil || !reflect.DeepEqual(again, found) {
			t.Fatalf("%q below %q: %v, then from %q %v, %v", b, root, found, text, again, err)
		}
	})
}
