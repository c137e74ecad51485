package query

import "fmt"

// Argument is one argument of an Execute (OMA Core 6.3.4).
type Argument struct {
	Digit    uint8 // 0..9, each once
	Value    string
	HasValue bool // false: written without "="
}

// ParseArguments reads an argument list:
//
//	arglist = arg *( "," arg )
//	arg     = DIGIT [ "=" "'" *CHAR "'" ]
//	CHAR    = "!" / %x23-26 / %x28-5B / %x5D-7E
//
// A blank inside the quotes, which the specification's own example has and its
// grammar forbids, is accepted. Nothing at all is a list of no arguments.
func ParseArguments(s string) ([]Argument, error) {
	var out []Argument
	var seen [10]bool
	for at := 0; at < len(s); {
		if at > 0 {
			if s[at] != ',' || at+1 == len(s) {
				return nil, argumentError(at, "a comma and an argument")
			}
			at++
		}
		if s[at] < '0' || s[at] > '9' {
			return nil, argumentError(at, "a digit")
		}
		a := Argument{Digit: s[at] - '0'}
		if seen[a.Digit] {
			return nil, argumentError(at, "each digit once")
		}
		seen[a.Digit] = true
		at++
		if at < len(s) && s[at] == '=' {
			end, err := argumentValue(s, at+1)
			if err != nil {
				return nil, err
			}
			a.Value, a.HasValue = s[at+2:end-1], true
			at = end
		}
		out = append(out, a)
	}
	return out, nil
}

// argumentValue returns the index behind the closing quote.
func argumentValue(s string, at int) (int, error) {
	if at >= len(s) || s[at] != '\'' {
		return 0, argumentError(at, "a value in single quotes")
	}
	for i := at + 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\'':
			return i + 1, nil
		case c != ' ' && !argumentByte(c):
			return 0, argumentError(i, "a printable ASCII character other than \" and \\")
		}
	}
	return 0, argumentError(len(s), "a closing quote")
}

func argumentByte(c byte) bool {
	return c > ' ' && c < 0x7f && c != '"' && c != '\'' && c != '\\'
}

func argumentError(at int, want string) error {
	return fmt.Errorf("%w: arguments: byte %d: want %s", ErrMalformed, at, want)
}

// AppendArguments appends the list in the strict grammar. It fails, with dst
// unchanged, where a device could not read it: a digit above 9 or given twice,
// a value without HasValue, a blank or another character that CHAR lacks.
func AppendArguments(dst []byte, arguments []Argument) ([]byte, error) {
	out := dst
	var seen [10]bool
	for i, a := range arguments {
		if a.Digit > 9 || seen[a.Digit] || a.Value != "" && !a.HasValue {
			return dst, fmt.Errorf("%w: argument %d of digit %d", ErrMalformed, i, a.Digit)
		}
		seen[a.Digit] = true
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, '0'+a.Digit)
		if !a.HasValue {
			continue
		}
		for k := range len(a.Value) {
			if !argumentByte(a.Value[k]) {
				return dst, fmt.Errorf("%w: argument %d: %q cannot be sent", ErrMalformed, a.Digit, a.Value)
			}
		}
		out = append(append(append(out, "='"...), a.Value...), '\'')
	}
	return out, nil
}
