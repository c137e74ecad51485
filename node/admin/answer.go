package admin

import (
	"net/http"
	"net/url"
	"strconv"

	"dormouse/codec/platform"
)

// answer is what a handler wants sent. The zero answer is 204.
type answer struct {
	status   int
	media    string // name of the platform's media type
	body     []byte
	location string // of what was created
}

// write sends the answer; a HEAD keeps its headers.
func (a answer) write(w http.ResponseWriter, r *http.Request) {
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	if a.body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", contentType(r, a.media))
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		w.Write(a.body) // a client that went away reads no error
	}
}

// refuse sends an error; area is the part of the API that it comes from.
func (s *site) refuse(w http.ResponseWriter, r *http.Request, area string, err error) {
	v, sentence := judge(err)
	if v.kind == nil {
		s.logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	}
	if v.retry != "" {
		w.Header().Set("Retry-After", v.retry)
	}
	fault := platform.Fault{Error: area + "/" + http.StatusText(v.status), Message: sentence, Info: infoOf(v.status)}
	answer{status: v.status, media: "error", body: platform.AppendFault(nil, fault)}.write(w, r)
}

// baseOf is the scheme and authority that the client used.
func baseOf(r *http.Request) string { return "http://" + r.Host }

// pageOf makes the answer of one page. Next carries both the number, which the
// platform's clients read, and the cursor, which is cheap and exact.
func pageOf[T any](r *http.Request, name, media string, g paging, list List[T], item func([]byte, *T, string) []byte) answer {
	base := baseOf(r)
	c := platform.Collection{
		Name: name, Self: base + r.URL.RequestURI(), CurrentPage: g.number, PageSize: g.size,
		Totals: true, WithPages: g.withPages, WithElements: g.withElements, TotalElements: list.Total,
	}
	for i := range list.Items {
		c.Items = append(c.Items, item(nil, &list.Items[i], base))
	}
	if list.Cursor != "" {
		c.Next = linkTo(r, g.number+1, g.size, list.Cursor)
	}
	if g.number > 1 {
		c.Prev = linkTo(r, g.number-1, g.size, "")
	}
	return answer{status: http.StatusOK, media: media, body: platform.AppendCollection(nil, &c)}
}

// linkTo is the request's own address with another page.
func linkTo(r *http.Request, number, size int64, cursor string) string {
	q, _ := url.ParseQuery(r.URL.RawQuery) // parsed before
	q.Set("currentPage", strconv.FormatInt(number, 10))
	q.Set("pageSize", strconv.FormatInt(size, 10))
	q.Del("cursor")
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	return baseOf(r) + r.URL.EscapedPath() + "?" + q.Encode()
}
