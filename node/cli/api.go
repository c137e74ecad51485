package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"dormouse/codec/platform"
)

// APIVariable names the variable that says where the API is, and DefaultAPI is
// where it is else.
const (
	APIVariable = "DORMOUSE_API"
	DefaultAPI  = "http://127.0.0.1:8080"
)

// timeout bounds one request, the answer included. The node gives up before.
const timeout = time.Minute

// api is the HTTP API of a node.
type api struct {
	base string // scheme and authority, without a slash at the end
	http http.Client
}

// newAPI takes the address of the flag, else that of the environment.
func newAPI(address string, getenv func(string) string) (*api, error) {
	for _, otherwise := range []string{getenv(APIVariable), DefaultAPI} {
		if address == "" {
			address = otherwise
		}
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, wrong("%q is no address of an API, such as %s", address, DefaultAPI)
	}
	return &api{base: strings.TrimRight(address, "/"), http: http.Client{
		Timeout: timeout,
		// A key goes to the address that was given, and nowhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// do sends a request; path is escaped. A refusal is an error with the node's
// own sentence.
func (a *api) do(method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, a.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", a.base, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the node: %w", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, platform.MaxCollection))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", a.base, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(response.Status, text)
	}
	return text, nil
}

// refusal is the sentence of an error answer, or the status where there is none.
func refusal(status string, body []byte) error {
	fault, err := platform.ParseFault(body)
	if err != nil || fault.Message == "" {
		return fmt.Errorf("the answer is %s", status)
	}
	return errors.New(fault.Message)
}
