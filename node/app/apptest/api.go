package apptest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// API is a client of a node's HTTP listener. Its methods may be called
// concurrently.
type API struct {
	Base   string // such as http://127.0.0.1:8080
	Client *http.Client
}

// NewAPI is a client with connections of its own. Close gives them back.
func NewAPI(address string) *API {
	return &API{Base: "http://" + address, Client: &http.Client{
		Transport: &http.Transport{MaxIdleConnsPerHost: 32}, Timeout: 30 * time.Second,
	}}
}

// Close closes the connections that are idle.
func (a *API) Close() { a.Client.CloseIdleConnections() }

// Reply is an answer with its body.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends one request. A body is JSON; header are names and values in turn.
// The path may be a whole address, such as a link of an answer.
func (a *API) Do(method, path, body string, header ...string) (Reply, error) {
	if !strings.HasPrefix(path, "http://") {
		path = a.Base + path
	}
	r, err := http.NewRequest(method, path, strings.NewReader(body))
	if err != nil {
		return Reply{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := a.Client.Do(r)
	if err != nil {
		return Reply{}, err
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	return Reply{answer.StatusCode, answer.Header, read}, err
}

// Expect is Do with the status that must come back.
func (a *API) Expect(status int, method, path, body string, header ...string) (Reply, error) {
	r, err := a.Do(method, path, body, header...)
	if err == nil && r.Status != status {
		err = fmt.Errorf("apptest: %s %s: %d %s, not %d", method, path, r.Status, r.Body, status)
	}
	return r, err
}

// Submit posts a command for a device and returns the operation. key is an
// Idempotency-Key, "" for none.
func (a *API) Submit(device ids.Object, text, key string) (platform.Operation, error) {
	header := []string{}
	if key != "" {
		header = append(header, "Idempotency-Key", key)
	}
	body := platform.NewOperation{Device: device, Text: text}.Append(nil)
	r, err := a.Expect(http.StatusCreated, http.MethodPost, platform.OperationsPath, string(body), header...)
	if err != nil {
		return platform.Operation{}, err
	}
	return platform.ParseOperation(r.Body)
}

// Operation reads one operation.
func (a *API) Operation(id ids.Operation) (platform.Operation, error) {
	r, err := a.Expect(http.StatusOK, http.MethodGet, platform.OperationsPath+"/"+id.String(), "")
	if err != nil {
		return platform.Operation{}, err
	}
	return platform.ParseOperation(r.Body)
}

// errRunning says that an operation has not ended.
var errRunning = errors.New("apptest: the operation has not ended")

// Ended waits for the end of an operation.
func (a *API) Ended(id ids.Operation) (op platform.Operation, err error) {
	err = Eventually(func() error {
		if op, err = a.Operation(id); err == nil && op.Status != platform.Successful && op.Status != platform.Failed {
			err = fmt.Errorf("%w: %s %q is %s", errRunning, id, op.Text, op.Status)
		}
		return err
	})
	return op, err
}

// Object reads one managed object.
func (a *API) Object(id ids.Object) (platform.ManagedObject, error) {
	r, err := a.Expect(http.StatusOK, http.MethodGet, platform.ObjectsPath+"/"+id.String(), "")
	if err != nil {
		return platform.ManagedObject{}, err
	}
	return platform.ParseManagedObject(r.Body)
}

// DeviceAt is the managed object of the device with that location and name.
func (a *API) DeviceAt(location, name string) (platform.ManagedObject, error) {
	e, err := EndpointOf(location)
	if err != nil {
		return platform.ManagedObject{}, err
	}
	m, err := a.Object(e.Object())
	if err == nil && string(m.Fragments.Get("lwm2mEndpoint")) != strconv.Quote(name) {
		err = fmt.Errorf("apptest: at %s is %s, not %s", location, m.Fragments.Get("lwm2mEndpoint"), name)
	}
	return m, err
}

// Each visits the items of all pages of a list, by the links of the answers.
func (a *API) Each(path, list string, visit func(item []byte) error) error {
	for path != "" {
		r, err := a.Expect(http.StatusOK, http.MethodGet, path, "")
		if err != nil {
			return err
		}
		page, err := platform.ParseCollection(r.Body, list)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := visit(item); err != nil {
				return err
			}
		}
		path = page.Next
	}
	return nil
}

// Metrics reads /metrics: values by name and labels, as they are written there.
func (a *API) Metrics() (map[string]float64, error) {
	r, err := a.Expect(http.StatusOK, http.MethodGet, "/metrics", "")
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	lines := bufio.NewScanner(bytes.NewReader(r.Body))
	for lines.Scan() {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		if v, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			values[lines.Text()[:at]] = v
		}
	}
	return values, lines.Err()
}

// Eventually calls f, which asks the node for something, until it is content;
// after a minute its last error counts.
func Eventually(f func() error) error {
	for deadline := time.Now().Add(patience); ; runtime.Gosched() {
		err := f()
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}
