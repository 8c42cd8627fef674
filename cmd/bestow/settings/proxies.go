package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Proxies returns the networks of BESTOW_TRUSTED_PROXIES. Its error names every entry that cannot be one.
func (c Config) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	var errs []error
	for i, entry := range c.TrustedProxies {
		network, ok := networkOf(strings.TrimSpace(entry))
		if !ok {
			errs = append(errs, fmt.Errorf("BESTOW_TRUSTED_PROXIES: entry %d is %q: "+
				"it must be an address or a CIDR such as 10.0.0.0/24, and not of all addresses", i+1, entry))
			continue
		}
		all = append(all, network)
	}
	return all, errors.Join(errs...)
}

// networkOf reads an address or a CIDR. That of all addresses is none: everyone could write the header.
func networkOf(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		address = address.Unmap()
		return netip.PrefixFrom(address, address.BitLen()), address.Zone() == ""
	}
	network, err := netip.ParsePrefix(text)
	return network.Masked(), err == nil && network.Bits() > 0 && !network.Addr().Is4In6()
}
