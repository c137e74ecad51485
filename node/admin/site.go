package admin

import (
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"

	"dormouse/codec/platform"
)

// Options is what the HTTP face needs. Backend is mandatory.
type Options struct {
	// Address is host:port of the listener; the host must be loopback as
	// long as there are no logins (node/config sees to it). Port 0 is any.
	Address string
	Backend Backend
	// Cluster answers /cluster; nil: 404.
	Cluster Cluster
	// Ready lists what must be well for the node to serve; nil: nothing. It
	// is called by every /readyz, concurrently, and must not block.
	Ready func() []Condition
	// Metrics answers /metrics; nil: 404.
	Metrics http.Handler
	// Version is shown by /version where the build has none of its own.
	Version string
	// Timeout bounds one API request, 0 is 30 s.
	Timeout time.Duration
	// InFlight bounds the API requests at work, 0 is 256; beyond it the
	// answer is 503 at once.
	InFlight int
	// Logger gets failures that no client is told of; nil discards them.
	Logger *slog.Logger
	// Served, where set, is told of every request, concurrently.
	Served func(Served)
}

// Served is one request that was answered. Route is the pattern that it took,
// so that there are few of them.
type Served struct {
	Method, Route string
	Status        int
	Duration      time.Duration
}

func (o Options) withDefaults() Options {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.InFlight == 0 {
		o.InFlight = 256
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Ready == nil {
		o.Ready = func() []Condition { return nil }
	}
	return o
}

// site is the tree of resources.
type site struct {
	backend  Backend
	cluster  Cluster
	logger   *slog.Logger
	timeout  time.Duration
	ready    func() []Condition
	inFlight chan struct{}
}

// NewHandler is the whole face without a listener.
func NewHandler(o Options) http.Handler {
	o = o.withDefaults()
	s := &site{backend: o.Backend, cluster: o.Cluster, logger: o.Logger, timeout: o.Timeout, ready: o.Ready, inFlight: make(chan struct{}, o.InFlight)}
	mux := http.NewServeMux()
	s.api(mux)
	if s.cluster != nil {
		s.clusterRoutes(mux)
	}
	s.operator(mux, o)
	return s.admit(mux, o.Served)
}

// api registers the platform's resources.
func (s *site) api(mux *http.ServeMux) {
	const values = "/service/lwm2m-agent/devices/{id}/values"
	for pattern, r := range map[string]resource{
		platform.ObjectsPath: {area: "inventory", methods: methods{
			http.MethodGet: s.listObjects, http.MethodPost: s.createObject}},
		platform.ObjectsPath + "/count": {area: "inventory", methods: methods{http.MethodGet: s.countObjects}},
		// The platform's client leaves a slash in an ID as it is.
		platform.ExternalIDsPath + "/{type}/{externalId...}": {area: "identity", methods: methods{
			http.MethodGet: s.getExternalID, http.MethodDelete: s.deleteExternalID}},
		platform.GlobalIDsPath + "/{id}/externalIds": {area: "identity", methods: methods{
			http.MethodGet: s.listExternalIDs, http.MethodPost: s.createExternalID}},
		platform.ObjectsPath + "/{id}": {area: "inventory", methods: methods{
			http.MethodGet: s.getObject, http.MethodPut: s.updateObject, http.MethodDelete: s.deleteObject}},
		platform.OperationsPath: {area: "devicecontrol", methods: methods{
			http.MethodGet: s.listOperations, http.MethodPost: s.createOperation, http.MethodDelete: s.deleteOperations}},
		platform.OperationsPath + "/{id}": {area: "devicecontrol", methods: methods{
			http.MethodGet: s.getOperation, http.MethodPut: s.updateOperation, http.MethodDelete: s.deleteOperation}},
		platform.CredentialsPath: {area: "lwm2m", methods: methods{
			http.MethodGet: s.listCredentials, http.MethodPost: s.createCredentials}},
		platform.CredentialsPath + "/{endpointId...}": {area: "lwm2m", methods: methods{
			http.MethodGet: s.getCredentials, http.MethodPut: s.replaceCredentials, http.MethodDelete: s.removeCredentials}},
		values: {area: "lwm2m", methods: methods{http.MethodGet: s.listValues}},
	} {
		mux.Handle(pattern, s.bounded(r))
	}
}

// operator registers what is looked at rather than used.
func (s *site) operator(mux *http.ServeMux, o Options) {
	for pattern, get := range map[string]handler{
		"/livez": s.live, "/readyz": s.readiness, "/version": versionOf(o.Version), "/": s.nothing,
	} {
		mux.Handle(pattern, s.plain(resource{area: "general", methods: methods{http.MethodGet: get}}))
	}
	s.rootRoutes(mux)
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}

// nothing answers every address that no resource has.
func (s *site) nothing(_ http.ResponseWriter, r *http.Request) (answer, error) {
	return answer{}, Refuse(ErrNotFound, "There is nothing at %s.", r.URL.Path)
}
