package exchange

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"dormouse/codec/coap"
)

var rewrite = flag.Bool("rewrite", false, "write what happened into testdata")

// TestScripts plays testdata/*.txt against a Client. A case is a command, ----,
// and what it led to; cases are parted by blank lines. The message ID "." is that
// of the request sent last, ".-1" the one before. Commands:
//
//	new block=64 maxbody=1000 repeat=2     a fresh client
//	start GET token=aa path=3/0/0 ...      Start
//	rest GET token=bb ... / CON 2.05 ...   FetchRest behind that first block
//	recv ACK 2.05 101 aa payload=x         Handle
//	wait 2s                                Tick, later by that much
//	abort                                  Abort
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { runScript(t, file) })
	}
}

func runScript(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{t: t, now: time.Unix(1_800_000_000, 0)}
	var out strings.Builder
	for _, part := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		command, want, isCase := strings.Cut(part+"\n", "\n----\n")
		if !isCase {
			out.WriteString(part + "\n\n") // a comment
			continue
		}
		got := s.run(command)
		if got != want && !*rewrite {
			t.Errorf("%s: %s\ngot:\n%swant:\n%s", file, command, got, want)
		}
		out.WriteString(command + "\n----\n" + got + "\n")
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(strings.TrimSpace(out.String())+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// script is a client in the middle of a dialogue.
type script struct {
	t      *testing.T
	now    time.Time
	client *Client
	mids   MIDs
	last   uint16            // message ID of the request sent last
	sent   map[uint16][]byte // Confirmable messages by their IDs
}

func (s *script) run(command string) string {
	lines := strings.Split(command, "\n")
	for strings.HasPrefix(lines[0], "#") {
		lines = lines[1:]
	}
	fields := strings.Fields(strings.Join(lines, " "))
	switch verb, args := fields[0], fields[1:]; verb {
	case "new":
		s.client, s.mids = NewClient(parseParams(s.t, args)), MIDs{Last: 100}
		s.sent = map[uint16][]byte{}
		return s.state()
	case "start":
		if s.client.Busy() {
			s.t.Errorf("start of %q while busy", command)
			s.client.Abort()
		}
		return s.print(s.client.Start(s.now, parseRequest(s.t, args), &s.mids, 0))
	case "rest":
		req, first, _ := strings.Cut(strings.Join(args, " "), " / ")
		m := received(s.t, parseMessage(s.t, strings.Fields(first)))
		out := s.client.FetchRest(s.now, parseRequest(s.t, strings.Fields(req)), m, &s.mids, 0)
		scribble(m)
		return s.print(out)
	case "recv":
		m := received(s.t, parseMessage(s.t, s.resolve(args)))
		out, mine := s.client.Handle(s.now, m, &s.mids)
		scribble(m)
		if !mine {
			return "not mine\n" + s.print(out)
		}
		return s.print(out)
	case "wait":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
		return s.print(s.client.Tick(s.now))
	case "abort":
		s.client.Abort()
		return s.state()
	}
	s.t.Fatalf("command %q", command)
	return ""
}

// resolve replaces a message ID that is relative to ours.
func (s *script) resolve(args []string) []string {
	if back, relative := strings.CutPrefix(args[2], "."); relative {
		offset, _ := strconv.Atoi(back)
		args[2] = strconv.Itoa(int(s.last) + offset)
	}
	return args
}

// scribble overwrites a datagram, of which nothing may be kept.
func scribble(m *coap.Message) {
	clear(m.Token)
	clear(m.Payload)
	for _, o := range m.Options {
		clear(o.Value)
	}
}

func (s *script) print(out Out) string {
	var b []byte
	for _, m := range out.Send {
		b = fmt.Appendf(b, "send %s\n", describe(m))
		data := wire(s.t, m)
		if before, ok := s.sent[m.MessageID]; ok && m.Type == coap.Confirmable && !bytes.Equal(before, data) {
			s.t.Errorf("message %d was %x, is %x", m.MessageID, before, data)
		}
		if m.Type == coap.Confirmable {
			s.last, s.sent[m.MessageID] = m.MessageID, data
		}
	}
	if r := out.Result; r != nil {
		b = fmt.Appendf(b, "result %s", r.Outcome)
		if r.Outcome == Answered {
			b = fmt.Appendf(b, " %s%s", r.Response.Code, describeContent(&r.Response))
		}
		if r.Err != nil {
			b = fmt.Appendf(b, ": %v", r.Err)
		}
		b = append(b, '\n')
	}
	return string(b) + s.state()
}

// state is the last line: when to tick, and what a redelivery would be.
func (s *script) state() string {
	if !s.client.Busy() {
		if !s.client.Deadline().IsZero() || s.client.Token() != nil || s.client.MessageID() != 0 {
			s.t.Error("an idle client has a deadline or a request")
		}
		return "idle\n"
	}
	return fmt.Sprintf("busy %d %s for %v\n", s.client.MessageID(), tokenText(s.client.Token()), s.client.Deadline().Sub(s.now))
}

func parseParams(t *testing.T, fields []string) (p Params) {
	for _, field := range fields {
		name, value, _ := strings.Cut(field, "=")
		switch name {
		case "block":
			p.BlockSize = number(t, value)
		case "maxbody":
			p.MaxBody = number(t, value)
		case "repeat":
			p.MaxRetransmit = number(t, value)
		default:
			t.Fatalf("parameter %q", field)
		}
	}
	return p
}
