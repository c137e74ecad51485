package interop

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"dormouse/codec/coap"
)

// A recording is what a client and a node once said to each other, in order,
// with what was asked of the node meanwhile. One line a step:
//
//	> HEX            a datagram that the client sent
//	< HEX            a datagram that the node sent
//	! COMMAND        a command posted for the device (as JSON text if it has several lines)
//	= STATUS JSON    how the oldest command that is open ended, with its results
//	? PATH JSON      the last value of a path
//	% JSON           a change of the device's managed object
//	# TEXT           a remark
//
// Lines of the client are never edited. Lines of the node are what is expected
// of it: a node that may as well say something else has them changed.
type step struct {
	line int
	kind byte
	text string        // behind the kind; status or path stand in name
	name string        // = and ? only
	coap *coap.Message // > and < only
}

// parseRecording reads all steps; remarks and empty lines are left out.
func parseRecording(r io.Reader) (steps []step, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		s, err := parseStep(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		s.line = n
		steps = append(steps, s)
	}
	return steps, lines.Err()
}

func parseStep(line string) (step, error) {
	kind, text, found := strings.Cut(line, " ")
	if len(kind) != 1 || !found || text == "" {
		return step{}, fmt.Errorf("%q: a step is a sign, a blank, and what it is about", line)
	}
	s := step{kind: kind[0], text: text}
	switch s.kind {
	case '>', '<':
		return parseDatagram(s)
	case '!':
		if text[0] == '"' {
			return s, json.Unmarshal([]byte(text), &s.text)
		}
		return s, nil
	case '=', '?':
		s.name, s.text, _ = strings.Cut(text, " ")
	case '%':
	default:
		return step{}, fmt.Errorf("%q: there is no such step", line)
	}
	if !json.Valid([]byte(s.text)) {
		return step{}, fmt.Errorf("%q: no JSON", line)
	}
	return s, nil
}

// parseDatagram asks that the message makes the same bytes again: what is
// replayed is what was sent, but for what is replaced.
func parseDatagram(s step) (step, error) {
	datagram, err := hex.DecodeString(s.text)
	if err != nil {
		return step{}, err
	}
	var m coap.Message
	if err := coap.Parse(datagram, &m); err != nil {
		return step{}, err
	}
	again, err := m.Append(nil)
	if err != nil || !bytes.Equal(again, datagram) {
		return step{}, fmt.Errorf("%x would be sent as %x (%v)", datagram, again, err)
	}
	s.coap = m.Clone()
	return s, nil
}

func TestParseRecording(t *testing.T) {
	text := "# a remark\n\n> 40010102\n< 60440102\n! read /3/0/0\n! \"a\\nb\"\n= FAILED [1]\n? /3/0/0 \"x\"\n% {}\n"
	steps, err := parseRecording(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%d%c%s %s", s.line, s.kind, s.name, s.text))
	}
	want := []string{"3> 40010102", "4< 60440102", "5! read /3/0/0", "6! a\nb", "7=FAILED [1]", "8?/3/0/0 \"x\"", "9% {}"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if steps[0].coap.Code != coap.GET || steps[1].coap.Code != coap.Changed {
		t.Errorf("datagrams: %v, %v", steps[0].coap, steps[1].coap)
	}
}

func TestParseRecordingRefuses(t *testing.T) {
	for _, line := range []string{
		">", "> ", "> 4", "> 40", "> 4001010", "< zz", ">40010102", "x 40010102", "!! read /3",
		"> 40010102ff",       // a payload marker without a payload
		"> 400101020110c080", // an If-Match of one byte, then a reserved length
		"! \"open", "= SUCCESSFUL", "= SUCCESSFUL [", "? /3/0/0", "? /3/0/0 x", "% {",
	} {
		if steps, err := parseRecording(strings.NewReader(line)); err == nil {
			t.Errorf("%q was read: %+v", line, steps)
		}
	}
}
