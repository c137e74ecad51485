package admin

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"dormouse/codec/platform"
)

// vendor is the prefix of the platform's own media types: vendor, a name, +json.
const vendor = "application/vnd.com.nsn.cumulocity."

// Names of media types, without the platform's prefix.
const (
	mediaObject          = "managedobject"
	mediaObjects         = "managedobjectcollection"
	mediaOperation       = "operation"
	mediaOperations      = "operationcollection"
	mediaValues          = "lwm2mvaluecollection"
	mediaCredentials     = "lwm2mcredentials"
	mediaCredentialsList = "lwm2mcredentialscollection"
	mediaStatus          = "status"
	mediaExternalID      = platform.MediaExternalID
	mediaExternalIDs     = platform.MediaExternalIDs
)

// acceptable reports that the client takes JSON, and whether it asked for the
// platform's own media types by name.
func acceptable(accept []string) (ok, named bool) {
	all := strings.Join(accept, ",")
	if all == "" {
		return true, false
	}
	for _, item := range strings.Split(all, ",") {
		kind, params, err := mime.ParseMediaType(item)
		if q, e := strconv.ParseFloat(params["q"], 64); err != nil || (e == nil && q == 0) {
			continue
		}
		switch {
		case kind == "*/*", kind == "application/*", kind == "application/json":
			return true, false
		case isVendor(kind):
			ok, named = true, true
		}
	}
	return ok, named
}

func isVendor(kind string) bool {
	return strings.HasPrefix(kind, vendor) && strings.HasSuffix(kind, "+json") || kind == "application/vnd.com.nsn.cumulocity+json"
}

// contentType is the media type of an answer called name.
func contentType(r *http.Request, name string) string {
	if _, named := acceptable(r.Header.Values("Accept")); named {
		return vendor + name + "+json;charset=UTF-8;ver=0.9"
	}
	return "application/json;charset=UTF-8"
}

// readBody reads a JSON body of at most platform.MaxBody bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || (kind != "application/json" && !isVendor(kind)) {
		return nil, Refuse(errMediaType, "The Content-Type must be application/json, and is %q.", r.Header.Get("Content-Type"))
	}
	if set := params["charset"]; set != "" && !strings.EqualFold(set, "utf-8") {
		return nil, Refuse(errMediaType, "The charset must be UTF-8, and is %q.", set)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, platform.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, Refuse(errTooLarge, "A body has at most %d bytes.", platform.MaxBody)
	case err != nil:
		return nil, Refuse(ErrBadRequest, "The body broke off.")
	}
	return body, nil
}

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 255

// keyOf is the Idempotency-Key of a request to a collection.
func keyOf(r *http.Request, collection string, body []byte) (IdempotencyKey, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return IdempotencyKey{}, nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxKey {
		return IdempotencyKey{}, Refuse(ErrBadRequest, "There must be one Idempotency-Key of 1 to %d bytes.", maxKey)
	}
	return NewIdempotencyKey(collection, key, body), nil
}
