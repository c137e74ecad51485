package admin

import (
	"encoding/json"
	"net/http"
	"runtime"
	"runtime/debug"
)

// Condition is one thing that must be well for the node to serve.
type Condition struct {
	Name   string `json:"name"` // such as storage
	Ready  bool   `json:"ready"`
	Detail string `json:"detail,omitempty"` // a sentence, most of all where it is not ready
}

// status is the body of /livez and /readyz.
type status struct {
	Status     string      `json:"status"`
	NotReady   []string    `json:"notReady,omitempty"`
	Conditions []Condition `json:"conditions,omitempty"`
}

func (s status) answer(code int) (answer, error) {
	body, err := json.Marshal(s)
	return answer{status: code, media: mediaStatus, body: body}, err
}

// live answers that the process runs: an orchestrator that sees no answer
// starts it anew, which would not mend a full disk. So it asks nothing else.
func (s *site) live(http.ResponseWriter, *http.Request) (answer, error) {
	return status{Status: "alive"}.answer(http.StatusOK)
}

// readiness answers 503 and names what is not ready; ?verbose has no effect,
// since all conditions are always shown.
func (s *site) readiness(http.ResponseWriter, *http.Request) (answer, error) {
	body := status{Status: "ready", Conditions: s.ready()}
	for _, c := range body.Conditions {
		if !c.Ready {
			body.NotReady = append(body.NotReady, c.Name)
		}
	}
	if len(body.NotReady) == 0 {
		return body.answer(http.StatusOK)
	}
	body.Status = "not ready"
	return body.answer(http.StatusServiceUnavailable)
}

// version is the body of /version.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"` // of the source
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified,omitempty"` // beyond the revision
	Go       string `json:"go"`
}

// versionOf answers what the binary says of itself.
func versionOf(name string) handler {
	v := version{Version: name, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if ok && v.Version == "" {
		v.Version = info.Main.Version
	}
	if ok {
		v.readSettings(info.Settings)
	}
	body, err := json.Marshal(v)
	return func(http.ResponseWriter, *http.Request) (answer, error) {
		return answer{status: http.StatusOK, media: "version", body: body}, err
	}
}

func (v *version) readSettings(settings []debug.BuildSetting) {
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.Time = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		}
	}
}
