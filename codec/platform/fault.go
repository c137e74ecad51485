package platform

// Fault is the body of an error answer.
type Fault struct {
	Error   string // area and kind, such as inventory/Not Found
	Message string // a sentence for whoever reads it
	Info    string // a link that explains the kind
}

// AppendFault appends the body.
func AppendFault(dst []byte, f Fault) []byte {
	o := newObject(dst)
	o.text("error", f.Error)
	o.text("message", f.Message)
	o.text("info", f.Info)
	return o.close()
}

// ParseFault reads a body, as a client does.
func ParseFault(body []byte) (Fault, error) {
	fragments, err := ParseFragments(body)
	if err != nil {
		return Fault{}, err
	}
	r := reader{fragments: fragments}
	f := Fault{r.text("error"), r.text("message"), r.text("info")}
	if r.err != nil {
		return Fault{}, r.err
	}
	return f, nil
}
