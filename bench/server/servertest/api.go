package servertest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"dormouse/codec/coap"
	"dormouse/codec/ids"
	"dormouse/codec/platform"
)

// Loaded is the value of its only metric, dormouse_shell_loaded_total.
const Loaded = 7

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+platform.ObjectsPath, s.inventory)
	mux.HandleFunc("POST /devicecontrol/operations", s.operation)
	mux.HandleFunc("POST "+platform.CredentialsPath, s.credential)
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE dormouse_shell_loaded_total counter\ndormouse_shell_loaded_total %d\n", Loaded)
	})
	return mux
}

// inventory shows all devices on the first page; the one with place n has the
// ID n + 1.
func (s *Server) inventory(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := platform.Collection{Name: platform.ManagedObjects, CurrentPage: 1, PageSize: platform.MaxPageSize}
	if r.URL.Query().Get("currentPage") == "1" {
		for i, d := range s.devices {
			m := platform.ManagedObject{ID: ids.Object(i + 1), Name: d.name, Created: time.Unix(1, 0), Updated: time.Unix(1, 0)}
			c.Items = append(c.Items, platform.AppendManagedObject(nil, &m, s.API()))
		}
	}
	_, _ = w.Write(platform.AppendCollection(nil, &c))
}

// operation understands "observe PATH", and asks the device at once.
func (s *Server) operation(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	n, err := platform.ParseNewOperation(body)
	path, observe := strings.CutPrefix(n.Text, "observe /")
	if err != nil || !observe {
		http.Error(w, "not to be understood", http.StatusUnprocessableEntity)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	place := int(n.Device) - 1
	if place < 0 || place >= len(s.devices) {
		http.Error(w, "no such device", http.StatusNotFound)
		return
	}
	m := &coap.Message{Code: coap.GET, MessageID: uint16(place), Token: []byte(fmt.Sprintf("o%d", place))}
	m.AddPath(path)
	m.AddUint(coap.OptObserve, 0)
	s.send(m, s.devices[place])
	w.WriteHeader(http.StatusCreated)
}
