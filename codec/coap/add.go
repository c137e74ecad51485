package coap

import "github.com/plgd-dev/go-coap/v3/message"

// fewOptions is what most messages that we send have room in.
const fewOptions = 4

// Add inserts an option behind those of the same and lower numbers.
func (m *Message) Add(id OptionID, value []byte) {
	if m.Options == nil {
		m.Options = make(message.Options, 0, fewOptions)
	}
	i := len(m.Options)
	for i > 0 && m.Options[i-1].ID > id {
		i--
	}
	m.Options = append(m.Options, Option{})
	copy(m.Options[i+1:], m.Options[i:])
	m.Options[i] = Option{ID: id, Value: value}
}

// AddString inserts a text option.
func (m *Message) AddString(id OptionID, s string) { m.Add(id, []byte(s)) }

// AddUint inserts an option of format uint.
func (m *Message) AddUint(id OptionID, v uint32) { m.Add(id, appendUint(nil, v)) }

// Remove drops all options of that number.
func (m *Message) Remove(id OptionID) {
	kept := m.Options[:0]
	for _, o := range m.Options {
		if o.ID != id {
			kept = append(kept, o)
		}
	}
	m.Options = kept
}

// AddPath inserts one Uri-Path option for every segment of "rd/abc".
func (m *Message) AddPath(path string) { m.addSegments(OptUriPath, path) }

// AddLocation inserts one Location-Path option for every segment.
func (m *Message) AddLocation(path string) { m.addSegments(OptLocationPath, path) }

func (m *Message) addSegments(id OptionID, path string) {
	b := []byte(path) // one copy for all segments
	for start := 0; start < len(path); {
		end := start
		for end < len(path) && path[end] != '/' {
			end++
		}
		if end > start {
			m.Add(id, b[start:end:end])
		}
		start = end + 1
	}
}
