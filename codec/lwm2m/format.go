package lwm2m

import "strconv"

// Format is a CoAP Content-Format number.
type Format uint16

// Content formats of LwM2M (OMA Transport 6.4, RFC 8428, RFC 8790).
const (
	FormatText          Format = 0
	FormatLink          Format = 40
	FormatOpaque        Format = 42
	FormatCBOR          Format = 60
	FormatSenMLJSON     Format = 110
	FormatSenMLCBOR     Format = 112
	FormatSenMLEtchJSON Format = 320
	FormatSenMLEtchCBOR Format = 322
	FormatTLV           Format = 11542
	FormatJSON          Format = 11543
	FormatLwM2MCBOR     Format = 11544

	// Provisional numbers of early 1.0 drafts: read as their successors, sent
	// only to a device that lists them.
	FormatOldText   Format = 1541
	FormatOldTLV    Format = 1542
	FormatOldJSON   Format = 1543
	FormatOldOpaque Format = 1544

	// FormatNone stands for an absent Content-Format or Accept option.
	FormatNone Format = 65535
)

var formatNames = map[Format]string{
	FormatText: "TEXT", FormatLink: "LINK", FormatOpaque: "OPAQUE", FormatCBOR: "CBOR",
	FormatSenMLJSON: "SENML_JSON", FormatSenMLCBOR: "SENML_CBOR",
	FormatSenMLEtchJSON: "SENML_ETCH_JSON", FormatSenMLEtchCBOR: "SENML_ETCH_CBOR",
	FormatTLV: "TLV", FormatJSON: "JSON", FormatLwM2MCBOR: "LWM2M_CBOR", FormatNone: "NONE",
}

// String is the shell's name of the format, its number where it has none.
func (f Format) String() string {
	if s, ok := formatNames[f.Canonical()]; ok {
		return s
	}
	return strconv.Itoa(int(f))
}

// ParseFormat reads a name that String prints.
func ParseFormat(s string) (Format, bool) {
	for f, name := range formatNames {
		if name == s {
			return f, true
		}
	}
	return FormatNone, false
}

// Canonical maps a provisional number to the registered one.
func (f Format) Canonical() Format {
	switch f {
	case FormatOldText:
		return FormatText
	case FormatOldTLV:
		return FormatTLV
	case FormatOldJSON:
		return FormatJSON
	case FormatOldOpaque:
		return FormatOpaque
	}
	return f
}
