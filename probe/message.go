package probe

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// recordTypes are the types that are asked for.
func recordTypes() map[string]dnsmessage.Type {
	return map[string]dnsmessage.Type{
		"A": dnsmessage.TypeA, "AAAA": dnsmessage.TypeAAAA, "CNAME": dnsmessage.TypeCNAME, "MX": dnsmessage.TypeMX,
		"NS": dnsmessage.TypeNS, "PTR": dnsmessage.TypePTR, "SRV": dnsmessage.TypeSRV, "TXT": dnsmessage.TypeTXT,
	}
}

// RecordTypes are the names of the types of DNS records that are asked for, sorted.
func RecordTypes() []string { return slices.Sorted(maps.Keys(recordTypes())) }

// answer is what a name server said.
type answer struct {
	dnsmessage.Header
	records []string // of the type that was asked for, as canonical writes them
}

// pack writes a query, which takes answers of up to mostDatagram bytes.
func pack(id uint16, q dnsmessage.Question) ([]byte, error) {
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: id, RecursionDesired: true})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAdditionals(); err != nil {
		return nil, err
	}
	var more dnsmessage.ResourceHeader
	if err := more.SetEDNS0(mostDatagram, dnsmessage.RCodeSuccess, false); err != nil {
		return nil, err
	}
	if err := b.OPTResource(more, dnsmessage.OPTResource{}); err != nil {
		return nil, err
	}
	return b.Finish()
}

// parse reads an answer. ours tells that it answers this very query; an error without
// it is of a message that is to be ignored.
func parse(text []byte, id uint16, q dnsmessage.Question) (got *answer, ours bool, err error) {
	var p dnsmessage.Parser
	header, err := p.Start(text)
	if err != nil || header.ID != id || !header.Response {
		return nil, false, errors.New("not an answer to this query")
	}
	got = &answer{Header: header}
	asked, err := p.AllQuestions()
	switch {
	case err != nil:
		return nil, false, errors.New("not an answer to this query")
	case len(asked) == 0 && header.RCode != dnsmessage.RCodeSuccess: // servers that did not understand leave it out
		return got, true, nil
	case len(asked) != 1 || asked[0].Type != q.Type || !strings.EqualFold(asked[0].Name.String(), q.Name.String()):
		return nil, false, errors.New("not an answer to this query")
	}
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return got, true, nil
		}
		if err != nil {
			return nil, true, fmt.Errorf("a record of the answer: %w", err)
		}
		if h.Type != q.Type || h.Class != dnsmessage.ClassINET {
			if err := p.SkipAnswer(); err != nil {
				return nil, true, fmt.Errorf("a record of the answer: %w", err)
			}
			continue
		}
		text, err := record(&p, h.Type)
		if err != nil {
			return nil, true, fmt.Errorf("a record of type %s: %w", h.Type, err)
		}
		got.records = append(got.records, text)
	}
}

// record reads the record before which p stands, as canonical writes it.
func record(p *dnsmessage.Parser, t dnsmessage.Type) (string, error) {
	switch t {
	case dnsmessage.TypeA:
		r, err := p.AResource()
		return netip.AddrFrom4(r.A).String(), err
	case dnsmessage.TypeAAAA:
		r, err := p.AAAAResource()
		return netip.AddrFrom16(r.AAAA).String(), err
	case dnsmessage.TypeCNAME:
		r, err := p.CNAMEResource()
		return lower(r.CNAME.String()), err
	case dnsmessage.TypeNS:
		r, err := p.NSResource()
		return lower(r.NS.String()), err
	case dnsmessage.TypePTR:
		r, err := p.PTRResource()
		return lower(r.PTR.String()), err
	case dnsmessage.TypeMX:
		r, err := p.MXResource()
		return fmt.Sprintf("%d %s", r.Pref, lower(r.MX.String())), err
	case dnsmessage.TypeSRV:
		r, err := p.SRVResource()
		return fmt.Sprintf("%d %d %d %s", r.Priority, r.Weight, r.Port, lower(r.Target.String())), err
	default:
		r, err := p.TXTResource()
		return strings.Join(r.TXT, ""), err
	}
}

// canonical is a record as people write it, in the form in which it is compared: names
// in lower case without the last dot, addresses in their shortest form.
func canonical(kind, text string) string {
	switch kind {
	case "TXT":
		return text
	case "A", "AAAA":
		if a, err := netip.ParseAddr(text); err == nil {
			return a.String()
		}
	}
	return lower(strings.Join(strings.Fields(text), " "))
}

func lower(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }
