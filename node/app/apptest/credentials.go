package apptest

import (
	"net/http"

	"dormouse/codec/platform"
)

// Provision gives an endpoint that has none a pre-shared key.
func (a *API) Provision(endpoint, identity string, key []byte) error {
	body := platform.NewCredentials{Endpoint: endpoint, Identity: identity, Key: key}.Append(nil)
	_, err := a.Expect(http.StatusCreated, http.MethodPost, platform.CredentialsPath, string(body))
	return err
}

// Revoke takes an endpoint's key away.
func (a *API) Revoke(endpoint string) error {
	_, err := a.Expect(http.StatusNoContent, http.MethodDelete, platform.CredentialsAddress(endpoint), "")
	return err
}
