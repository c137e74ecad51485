package lwm2m

import "testing"

func TestFormatNames(t *testing.T) {
	for f, name := range map[Format]string{
		FormatText: "TEXT", FormatLink: "LINK", FormatOpaque: "OPAQUE", FormatCBOR: "CBOR",
		FormatSenMLJSON: "SENML_JSON", FormatSenMLCBOR: "SENML_CBOR", FormatSenMLEtchJSON: "SENML_ETCH_JSON",
		FormatSenMLEtchCBOR: "SENML_ETCH_CBOR", FormatTLV: "TLV", FormatJSON: "JSON", FormatLwM2MCBOR: "LWM2M_CBOR",
		FormatNone: "NONE",
	} {
		if f.String() != name {
			t.Errorf("%d prints %q, want %q", uint16(f), f, name)
		}
		if got, ok := ParseFormat(name); !ok || got != f {
			t.Errorf("ParseFormat(%q) = %v, %t", name, got, ok)
		}
	}
	if got := Format(50).String(); got != "50" {
		t.Errorf("an unknown format prints %q", got)
	}
	for _, name := range []string{"", "tlv", "50", "XML"} {
		if f, ok := ParseFormat(name); ok || f != FormatNone {
			t.Errorf("ParseFormat(%q) = %v, %t", name, f, ok)
		}
	}
}

// The numbers are what goes over the air.
func TestFormatNumbers(t *testing.T) {
	for f, number := range map[Format]uint16{
		FormatText: 0, FormatLink: 40, FormatOpaque: 42, FormatCBOR: 60, FormatSenMLJSON: 110, FormatSenMLCBOR: 112,
		FormatSenMLEtchJSON: 320, FormatSenMLEtchCBOR: 322, FormatTLV: 11542, FormatJSON: 11543, FormatLwM2MCBOR: 11544,
	} {
		if uint16(f) != number {
			t.Errorf("%s is %d, want %d", f, uint16(f), number)
		}
		if f.Canonical() != f {
			t.Errorf("%s has the canonical form %s", f, f.Canonical())
		}
	}
}

func TestProvisionalFormats(t *testing.T) {
	for old, want := range map[Format]Format{1541: FormatText, 1542: FormatTLV, 1543: FormatJSON, 1544: FormatOpaque} {
		if got := old.Canonical(); got != want || old.String() != want.String() {
			t.Errorf("%d is %s, named %s, want %s", uint16(old), got, old, want)
		}
	}
}
