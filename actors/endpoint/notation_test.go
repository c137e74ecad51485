package endpoint

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"dormouse/codec/coap"
)

// asked is a request of the endpoint.
type asked struct {
	mid   uint16
	token string
	text  string
}

// again marks a request whose message ID was sent before.
func (w *world) again(m *coap.Message) string {
	if !m.Code.IsRequest() {
		return ""
	}
	now := asked{m.MessageID, string(m.Token), w.message(m)}
	for _, before := range w.asked {
		if before == now {
			return " (again)"
		}
		if before.mid == now.mid {
			return " (again, differs)"
		}
	}
	w.asked = append(w.asked, now)
	return ""
}

// request is the one that $ means, the last; $-1 is that before it.
func (w *world) request(value string) asked {
	back, _ := strconv.Atoi(value[1:])
	i := len(w.asked) - 1 + back
	if i < 0 || i >= len(w.asked) {
		w.t.Fatalf("%s: %d requests were sent", value, len(w.asked))
	}
	return w.asked[i]
}

// mask replaces operation IDs by their number.
func (w *world) mask(s string) string {
	for i, id := range w.ops {
		s = strings.ReplaceAll(s, id.String(), "#"+strconv.Itoa(i+1))
	}
	return s
}

// parseMessage reads "CON POST mid=1 token=01 path=rd query=ep=a&b=U ct=40
// observe=3 block1=0/1/64 payload=text|hex:00ff". The path $loc is the current
// location, mid=$ and token=$ are those of the last request, $-1 those of the one
// before it; $obs is the token of the first observation, $obs1 that of the
// second; "_" in a payload is a blank.
func (w *world) parseMessage(line string) *coap.Message {
	w.start()
	words := strings.Fields(line)
	m := &coap.Message{}
	for t := coap.Confirmable; t <= coap.Reset; t++ {
		if t.String() == words[0] {
			m.Type = t
		}
	}
	m.Code = parseCode(words[1])
	for _, word := range words[2:] {
		name, value, _ := strings.Cut(word, "=")
		w.setField(m, name, value)
	}
	return m
}

var methods = []string{"EMPTY", "GET", "POST", "PUT", "DELETE", "FETCH", "PATCH", "IPATCH"}

func parseCode(s string) coap.Code {
	for i, name := range methods {
		if name == s {
			return coap.Code(i)
		}
	}
	class, detail, _ := strings.Cut(s, ".")
	c, _ := strconv.Atoi(class)
	d, _ := strconv.Atoi(detail)
	return coap.Code(c<<5 | d)
}

func (w *world) setField(m *coap.Message, name, value string) {
	switch name {
	case "mid":
		if value[0] == '$' {
			m.MessageID = w.request(value).mid
			return
		}
		n, _ := strconv.Atoi(value)
		m.MessageID = uint16(n)
	case "token":
		if n, ok := strings.CutPrefix(value, "$obs"); ok {
			i, _ := strconv.Atoi(n)
			m.Token = w.e.onWire(w.e.reg().Observations[i].Token)
			return
		}
		if value[0] == '$' {
			m.Token = []byte(w.request(value).token)
			return
		}
		m.Token, _ = hex.DecodeString(value)
	case "path":
		m.AddPath(strings.NewReplacer("$loc", w.e.reg().Location(w.e.id).String(), "$other", another()).Replace(value))
	case "query":
		for _, q := range strings.Split(value, "&") {
			m.AddString(coap.OptUriQuery, q)
		}
	case "ct":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptContentFormat, uint32(n))
	case "observe":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptObserve, uint32(n))
	case "size1":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptSize1, uint32(n))
	case "noresponse":
		n, _ := strconv.Atoi(value)
		m.AddUint(coap.OptNoResponse, uint32(n))
	case "etag":
		raw, _ := hex.DecodeString(value)
		m.Add(coap.OptETag, raw)
	case "echo":
		raw, _ := hex.DecodeString(value)
		m.Add(coap.OptEcho, raw)
	case "option":
		n, _ := strconv.Atoi(value)
		m.Add(coap.OptionID(n), nil)
	case "block1", "block2":
		var num, more, size int
		fmt.Sscanf(value, "%d/%d/%d", &num, &more, &size)
		m.AddBlock(map[string]coap.OptionID{"block1": coap.OptBlock1, "block2": coap.OptBlock2}[name],
			coap.Block{Num: uint32(num), More: more == 1, SZX: coap.SZXFor(size)})
	case "payload":
		if raw, ok := strings.CutPrefix(value, "hex:"); ok {
			m.Payload, _ = hex.DecodeString(raw)
			return
		}
		m.Payload = []byte(strings.ReplaceAll(value, "_", " "))
	default:
		w.t.Fatalf("unknown field %s", name)
	}
}

// message prints what the endpoint sends, in the notation of parseMessage.
func (w *world) message(m *coap.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", m.Type, printCode(m.Code))
	if m.Type == coap.Acknowledgement || m.Code == coap.Empty {
		fmt.Fprintf(&b, " mid=%d", m.MessageID)
	}
	if m.Code.IsRequest() {
		fmt.Fprintf(&b, " path=%s", m.Path())
	}
	if q := m.Queries(); len(q) > 0 {
		fmt.Fprintf(&b, " query=%s", strings.Join(q, "&"))
	}
	if l := m.LocationPath(); l != "" {
		fmt.Fprintf(&b, " location=%s", strings.ReplaceAll(l, w.e.reg().Location(w.e.id).String(), "$loc"))
	}
	for _, o := range []struct {
		name string
		id   coap.OptionID
	}{{"ct", coap.OptContentFormat}, {"accept", coap.OptAccept}, {"observe", coap.OptObserve}, {"size1", coap.OptSize1}} {
		if v, ok := m.Uint(o.id); ok {
			fmt.Fprintf(&b, " %s=%d", o.name, v)
		}
	}
	for i, id := range []coap.OptionID{coap.OptBlock1, coap.OptBlock2} {
		if bl, ok, _ := m.Block(id); ok {
			more := 0
			if bl.More {
				more = 1
			}
			fmt.Fprintf(&b, " block%d=%d/%d/%d", i+1, bl.Num, more, bl.Size())
		}
	}
	if len(m.Payload) > 0 {
		fmt.Fprintf(&b, " payload=%s", printable(m.Payload))
	}
	return b.String()
}

func printCode(c coap.Code) string {
	if c != coap.Empty && int(c) < len(methods) {
		return methods[c]
	}
	return c.String()
}

func printable(b []byte) string {
	text := string(b)
	for _, c := range b {
		if c < 32 || c > 126 {
			text = "hex:" + hex.EncodeToString(b)
			break
		}
	}
	if len(text) > 400 {
		return fmt.Sprintf("%s… (%d bytes)", text[:60], len(b))
	}
	return text
}
