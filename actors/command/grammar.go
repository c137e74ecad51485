package command

import (
	"encoding/hex"
	"strconv"
	"strings"

	"dormouse/codec/lwm2m"
	"dormouse/codec/query"
)

// maxPaths bounds the paths of a composite.
const maxPaths = 1000

// onePath reads the path of a line that has one.
func (s *scanner) onePath(l *Line, least, most int) error {
	p, err := s.path(least, most)
	l.Paths = []lwm2m.Path{p}
	return err
}

func (s *scanner) pathAlone(l *Line) error { return s.onePath(l, 1, 4) }

func (s *scanner) remove(l *Line) error { return s.onePath(l, 2, 4) }

// pathList reads one path or more, up to the end of the line or to a word
// that is no path.
func (s *scanner) pathList(l *Line) error {
	for {
		p, err := s.path(0, 4)
		if err != nil {
			return err
		}
		if l.Paths = append(l.Paths, p); len(l.Paths) > maxPaths {
			return s.fail(s.pos, "expected at most %d paths", maxPaths)
		}
		if err := s.blanks(); err != nil || s.peek() != '/' {
			return err
		}
	}
}

// observe reads a path, or the paths of a composite, and attributes of this
// observation (LwM2M 1.2).
func (s *scanner) observe(l *Line) error {
	var err error
	if l.Verb == Observe {
		err = s.onePath(l, 1, 4)
	} else {
		err = s.pathList(l)
	}
	if err != nil {
		return err
	}
	if err := s.blanks(); err != nil || s.atEnd() {
		return err
	}
	return s.attributes(l)
}

func (s *scanner) cancel(l *Line) (err error) {
	if l.Passive, err = s.flag("-p"); err != nil {
		return err
	}
	return s.pathList(l)
}

func (s *scanner) execute(l *Line) error {
	if err := s.onePath(l, 3, 3); err != nil {
		return err
	}
	args, at, err := s.rest()
	if err != nil || args == "" {
		return err
	}
	if l.Arguments, err = query.ParseArguments(args); err != nil {
		return s.fail(at, "expected arguments such as 0='a',1: %v", err)
	}
	return nil
}

func (s *scanner) executeLegacy(l *Line) error {
	if err := s.onePath(l, 3, 3); err != nil {
		return err
	}
	text, _, err := s.rest()
	if text != "" {
		l.Payload = []byte(text)
	}
	return err
}

func (s *scanner) writeBinary(l *Line) error {
	if err := s.onePath(l, 3, 4); err != nil {
		return err
	}
	w, at, err := s.word()
	if err != nil {
		return err
	}
	if file, ok := strings.CutPrefix(w, "binary:"); ok {
		if l.File = file; file == "" {
			return s.fail(at+len(w), "expected a file ID")
		}
		return nil
	}
	if w == "" {
		return s.fail(at, "expected hex digits or binary:<file id>")
	}
	if l.Payload, err = hex.DecodeString(w); err != nil {
		return s.fail(at, "expected an even count of hex digits, or binary:<file id>: %v", err)
	}
	return nil
}

func (s *scanner) discover(l *Line) error {
	if err := s.onePath(l, 1, 4); err != nil {
		return err
	}
	w, at, err := s.word()
	if err != nil || w == "" {
		return err
	}
	if l.Depth, err = strconv.Atoi(w); err != nil || l.Depth < 0 || l.Depth > 3 || len(w) > 1 {
		return s.fail(at, "expected a depth of 0 to 3, found %q", shown(w))
	}
	return nil
}

func (s *scanner) writeAttributes(l *Line) error {
	if err := s.onePath(l, 1, 4); err != nil {
		return err
	}
	if err := s.blanks(); err != nil {
		return err
	}
	at := s.pos
	if err := s.attributes(l); err != nil {
		return err
	}
	if len(l.Attributes) == 0 {
		return s.fail(at, "expected an attribute to write (cancelobservation ends an observation)")
	}
	return nil
}

// attributes reads name=value&name…; for WriteAttributes the bare name
// "cancel" is an order to us.
func (s *scanner) attributes(l *Line) error {
	w, at, err := s.word()
	if err != nil {
		return err
	}
	var parts []string
	for part := range strings.SplitSeq(w, "&") {
		if l.Verb == WriteAttributes && part == "cancel" {
			l.CancelAfter = true
		} else {
			parts = append(parts, part)
			// All so far, because a name may stand only once.
			if l.Attributes, err = query.ParseAttributes(parts); err != nil {
				return s.fail(at, "expected attributes such as pmin=1&pmax=5&gt, found %q: %v", shown(part), err)
			}
			if len(part) > maxOption {
				return s.fail(at, "expected an attribute of at most %d bytes", maxOption)
			}
		}
		at += len(part) + 1
	}
	return nil
}

func (s *scanner) serialization(l *Line) error {
	w, at, err := s.word()
	if err != nil {
		return err
	}
	switch w {
	case "DEFAULT":
		return nil
	case "TLV", "JSON", "CBOR", "TEXT", "OPAQUE", "SENML_JSON", "SENML_CBOR":
		l.Format, _ = lwm2m.ParseFormat(w)
		return nil
	}
	return s.fail(at, "expected %s, found %q", "TLV, JSON, CBOR, TEXT, OPAQUE, SENML_JSON, SENML_CBOR or DEFAULT", shown(w))
}
