package members

// MaxName is the length of the longest node name and the longest zone, in bytes.
const MaxName = 64

// validName reports a name that can stand in a path, a log line and an address
// of memberlist, which takes "name/host:port" apart at the slash.
func validName(s string) bool {
	if s == "" || len(s) > MaxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '_' && c != '.') {
			return false
		}
	}
	return true
}
