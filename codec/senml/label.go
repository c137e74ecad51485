package senml

import (
	"fmt"
	"strings"
)

// label is a field of a record: its CBOR label (RFC 8428 section 6).
type label int

const (
	labelBaseVersion label = -1
	labelBaseName    label = -2
	labelBaseTime    label = -3
	labelBaseUnit    label = -4
	labelBaseValue   label = -5
	labelBaseSum     label = -6
	labelName        label = 0
	labelUnit        label = 1
	labelValue       label = 2
	labelString      label = 3
	labelBoolean     label = 4
	labelSum         label = 5
	labelTime        label = 6
	labelUpdateTime  label = 7
	labelData        label = 8

	// labelLink is "vlo" (OMA Core 7.5.6), which has no number: it is a text
	// label in CBOR too.
	labelLink label = 64
	// labelOther is one that means nothing here and may be ignored.
	labelOther label = 65
)

// texts are the labels as JSON writes them.
var texts = map[label]string{
	labelBaseVersion: "bver", labelBaseName: "bn", labelBaseTime: "bt", labelBaseUnit: "bu",
	labelBaseValue: "bv", labelBaseSum: "bs", labelName: "n", labelUnit: "u", labelValue: "v",
	labelString: "vs", labelBoolean: "vb", labelSum: "s", labelTime: "t", labelUpdateTime: "ut",
	labelData: "vd", labelLink: "vlo",
}

// byText is texts the other way round.
var byText = func() map[string]label {
	m := make(map[string]label, len(texts))
	for l, text := range texts {
		m[text] = l
	}
	return m
}()

// textLabel finds a text label. Unknown ones are ignored, except those that
// end in "_": their meaning must be understood (RFC 8428 section 4.4).
func textLabel(s string) (label, error) {
	if l, ok := byText[s]; ok {
		return l, nil
	}
	if strings.HasSuffix(s, "_") {
		return labelOther, fmt.Errorf("%w: label %q must be understood", ErrMalformed, s)
	}
	return labelOther, nil
}

// numberLabel finds a CBOR label; unknown numbers are ignored.
func numberLabel(n int64) label {
	if l := label(n); l != labelLink && texts[l] != "" && int64(l) == n {
		return l
	}
	return labelOther
}
