package phone

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Countries are the regions whose phones may be rung, as ISO codes. None means the region of the masked number.
type Countries []string

// Check refuses codes that no country has.
func (c Countries) Check() error {
	for _, code := range c {
		if phonenumbers.GetCountryCodeForRegion(code) == 0 {
			return fmt.Errorf("%q is not the ISO code of a country, such as US or DE", code)
		}
	}
	return nil
}

// Allow tells whether calls to the masked number may ring to. A number that is not assigned, or whose region is not known, is allowed where its
// calling code is.
func (c Countries) Allow(masked, to Number) bool { return c.allowsRegionOf(masked, to) && !charged(to) }

// Refuse says which of the phones may not be rung; ours are masked numbers. All are refused in the same words, so that nobody learns whether
// a number is another owner's.
func (c Countries) Refuse(masked Number, to, ours []Number) error {
	var f Faults
	for i, n := range to {
		if n == masked || slices.Contains(ours, n) || !c.Allow(masked, n) {
			f.Add(fmt.Sprintf("forwardTo.%d", i), c.refusal(masked, n))
		}
	}
	return f.Err()
}

func (c Countries) refusal(masked, to Number) string {
	regions := strings.Join(c, ", ")
	if len(c) == 0 {
		regions = "its own country, " + mainRegionOf(masked)
	}
	return fmt.Sprintf("%s may not be rung: this number rings ordinary phones of %s, and no masked, premium-rate, shared-cost, personal, pager, "+
		"company (UAN), voicemail, satellite, emergency or short numbers.", Mask(string(to)), regions)
}

func (c Countries) allowsRegionOf(masked, to Number) bool {
	regions := c
	if len(regions) == 0 {
		regions = Countries{mainRegionOf(masked)}
	}
	if region := regionOf(to); region != "" {
		return slices.Contains(regions, region)
	}
	code := callingCode(to)
	return slices.ContainsFunc(regions, func(r string) bool { return phonenumbers.GetCountryCodeForRegion(r) == code })
}

// regionOf is the region that a number belongs to; empty when it is not known. A toll-free number is called from all regions that share its
// calling code, and belongs to none of them.
func regionOf(n Number) string {
	parsed, err := phonenumbers.Parse(string(n), unknownRegion)
	if err != nil || phonenumbers.GetNumberType(parsed) == phonenumbers.TOLL_FREE && callingCode(n) != internationalFreephone {
		return ""
	}
	if region := phonenumbers.GetRegionCodeForNumber(parsed); region != unknownRegion {
		return region
	}
	return ""
}

// mainRegionOf is the region of a number, or else the main one of those that share its calling code.
func mainRegionOf(n Number) string {
	if region := regionOf(n); region != "" {
		return region
	}
	return phonenumbers.GetRegionCodeForCountryCode(callingCode(n))
}

// refusedTypes are the classes of numbers that cost their caller more than an ordinary call, or that nobody answers.
var refusedTypes = []phonenumbers.PhoneNumberType{
	phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL,
}

// refusedNumbers are numbers of these classes that the library takes for unassigned, or for others.
var refusedNumbers = regexp.MustCompile(`^\+(?:` + strings.Join([]string{
	`1(?:900|976|\d{3}976|500|700|710|[2-9]11)`,          // premium, personal, carriers' and the government's own, service codes
	`44(?:70|76(?:[013-9]|2[0-35-9])|8[47]|9|118\d{3}$)`, // personal, pagers (07624 is the Isle of Man), service charges, premium, directories
	`49(?:118|13[78]|180|19[0-4]|700|900)`,               // directories, televoting, service charges, online services, personal, premium
	`33(?:8[129]|118)`,
	`34(?:70|80[3679]|90[1257]|118)`,
	`39(?:1[2-9]|84|89)`,
	`43(?:8[12]|9[03])`,
	`41(?:84|878|90)`,
	`31(?:9|84|87|88)`,
	`32(?:70|78|90)`,
	`81(?:180|570|990)`,
	`61(?:19|13)`,
	`87[08]|88[123]|808|979`, // satellites and other global networks, shared cost, premium
}, "|") + `)`)

// charged tells whether calling a number costs more than an ordinary call, or reaches no ordinary phone: it is premium, shared-cost, personal,
// a pager, a UAN, a voicemail access, a satellite phone, an emergency or a short number.
func charged(n Number) bool {
	if refusedNumbers.MatchString(string(n)) {
		return true
	}
	parsed, err := phonenumbers.Parse(string(n), unknownRegion)
	if err != nil {
		return false
	}
	kind := phonenumbers.GetNumberType(parsed)
	return slices.Contains(refusedTypes, kind) || kind == phonenumbers.UNKNOWN && phonenumbers.IsValidShortNumber(parsed)
}

const (
	unknownRegion          = "ZZ"
	internationalFreephone = 800 // belongs to no country
)

// callingCode is what an E.164 number begins with: no code is the beginning of another.
func callingCode(n Number) int {
	for digits := 1; digits <= 3 && digits < len(n); digits++ {
		code, err := strconv.Atoi(string(n[1 : 1+digits]))
		if err == nil && phonenumbers.GetRegionCodeForCountryCode(code) != unknownRegion {
			return code
		}
	}
	return 0
}
