package admintest

import (
	"bytes"
	"context"
	"slices"

	"dormouse/codec/platform"
	"dormouse/node/admin"
)

// Credentials implements admin.Backend.
func (b *Backend) Credentials() admin.Credentials { return secrets{b} }

// secrets is the backend's credentials; it locks as the backend does.
type secrets struct{ *Backend }

// secret is one endpoint's, with the key that nobody is shown.
type secret struct {
	platform.Credentials
	key []byte
}

func (s secrets) find(match func(secret) bool) int { return slices.IndexFunc(s.secrets, match) }

func (s secrets) of(endpoint string) int {
	return s.find(func(c secret) bool { return c.Endpoint == endpoint })
}

func (s secrets) List(ctx context.Context, p admin.Page) (list admin.List[platform.Credentials], err error) {
	if err := s.begin(ctx); err != nil {
		return list, err
	}
	defer s.mu.Unlock()
	var all []platform.Credentials
	for _, c := range s.secrets {
		all = append(all, c.Credentials)
	}
	return cut(all, p)
}

func (s secrets) Get(ctx context.Context, endpoint string) (c platform.Credentials, err error) {
	if err := s.begin(ctx); err != nil {
		return c, err
	}
	defer s.mu.Unlock()
	if i := s.of(endpoint); i >= 0 {
		return s.secrets[i].Credentials, nil
	}
	return c, admin.ErrNotFound
}

func (s secrets) Add(ctx context.Context, n platform.NewCredentials, replace bool) (c platform.Credentials, created bool, err error) {
	if err := s.begin(ctx); err != nil {
		return c, false, err
	}
	defer s.mu.Unlock()
	at := s.of(n.Endpoint)
	if at >= 0 && s.secrets[at].Identity == n.Identity && bytes.Equal(s.secrets[at].key, n.Key) {
		return s.secrets[at].Credentials, false, nil
	}
	taken := s.find(func(c secret) bool { return c.Identity == n.Identity && c.Endpoint != n.Endpoint }) >= 0
	switch {
	case at >= 0 && !replace:
		return c, false, admin.Refuse(admin.ErrConflict, "endpointId %q has other credentials.", n.Endpoint)
	case taken:
		return c, false, admin.Refuse(admin.ErrConflict, "lwm2mPskId %q belongs to another endpoint.", n.Identity)
	}
	c = platform.Credentials{Endpoint: n.Endpoint, Identity: n.Identity, Updated: s.Now()}
	if created = at < 0; created {
		s.secrets = append(s.secrets, secret{c, n.Key})
	} else {
		s.secrets[at] = secret{c, n.Key}
	}
	return c, created, nil
}

func (s secrets) Remove(ctx context.Context, endpoint string) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	i := s.of(endpoint)
	if i < 0 {
		return admin.ErrNotFound
	}
	s.secrets = slices.Delete(s.secrets, i, i+1)
	return nil
}

// Key is the key that an endpoint was given, nil for none.
func (b *Backend) Key(endpoint string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := (secrets{b}).of(endpoint); i >= 0 {
		return b.secrets[i].key
	}
	return nil
}
