/**
 * The dictionary of GS1 Application Identifiers (AIs): format, checks, association rules and Digital Link role of each.
 *
 * One row per AI or run of AIs, columns separated by `|`:
 *
 *   AIs | flags | components | rules | data title
 *
 *  - flags: `*` predefined length, so no separator follows (GenSpecs 7.8.5, figure of predefined-length AIs);
 *    `?` allowed as a data attribute in the query of a Digital Link URI.
 *  - component: character set (N digits, X set 82, Y set 39, Z set 64), length `6` or `1-20`, then `:check` for each
 *    content check (checks.ts); in square brackets when optional. Only the last component is of variable length.
 *  - rules: `need 01/02+37` at least one alternative, all members of a `+` group; `not 02/310n` none of them (`n` is any
 *    digit, an AI never excludes itself); `key` a Digital Link primary key, `key 22,10,21 | 235` with its ordered
 *    qualifiers (written `key 22,10,21/235` here).
 *
 * Facts: GS1 General Specifications 3.2 and 4.14 as restated in the GS1 Barcode Syntax Dictionary (January 2026: with 03,
 * 717, 8014 and 8040–8043).
 */
const ROWS = `
00|*?|N18:sum:prefix2|key|SSCC
01|*?|N14:sum:prefix2|not 255/37; key 22,10,21/235|GTIN
02|*?|N14:sum:prefix2|not 01/03; need 37|CONTENT
03|*|N14:sum:prefix2|not 01/02/37/235|MTO GTIN
10|?|X1-20|need 01/02/03/8006/8026|BATCH/LOT
11|*?|N6:yymmd0|need 01/02/03/8006/8026|PROD DATE
12|*?|N6:yymmd0|need 8020|DUE DATE
13|*?|N6:yymmd0|need 01/02/03/8006/8026|PACK DATE
15|*?|N6:yymmd0|need 01/02/03/8006/8026|BEST BEFORE or BEST BY
16|*?|N6:yymmd0|need 01/02/03/8006/8026|SELL BY
17|*?|N6:yymmd0|need 01/02/03/255/8006/8026|USE BY or EXPIRY
20|*?|N2|need 01/02/03/8006/8026|VARIANT
21||X1-20|need 01/03/8006; not 235|SERIAL
22||X1-20|need 01|CPV
235||X1-28|need 01|TPX
240|?|X1-30|need 01/02/03/8006/8026|ADDITIONAL ID
241|?|X1-30|need 01/02/03/8006/8026|CUST. PART No.
242|?|N1-6|need 01/02/8006/8026|MTO VARIANT
243|?|X1-20|need 01/03|PCN
250|?|X1-30|need 01+21/03+21/8006+21|SECONDARY SERIAL
251|?|X1-30|need 01/03/8006|REF. TO SOURCE
253|?|N13:sum:prefix1 [X1-17]|key|GDTI
254||X1-20|need 414|GLN EXTENSION COMPONENT
255|?|N13:sum:prefix1 [N1-12]|not 01/02/415/8006/8020/8026; key|GCN
30|?|N1-8|need 01/02|VAR. COUNT
37|?|N1-8|need 00+02/00+8026|COUNT
3900-3909|?|N1-15|need 255/8020; not 390n/391n/394n/8111|AMOUNT
3910-3919|?|N3:currency N1-15|need 8020; not 391n|AMOUNT
3920-3929|?|N1-15|need 01+30/01+31nn/01+32nn/01+35nn/01+36nn; not 392n/393n|PRICE
3930-3939|?|N3:currency N1-15|need 30/31nn/32nn/35nn/36nn; not 393n|PRICE
3940-3943|?|N4|need 255; not 394n/8111|PRCNT OFF
3950-3955|?|N6|need 30/31nn/32nn/35nn/36nn; not 392n/393n/395n/8005|PRICE/UoM
400|?|X1-30||ORDER NUMBER
401|?|X1-30:prefix1|key|GINC
402|?|N17:sum:prefix1|key|GSIN
403|?|X1-30|need 00|ROUTE
410|*?|N13:sum:prefix1||SHIP TO LOC
411|*?|N13:sum:prefix1||BILL TO
412|*?|N13:sum:prefix1||PURCHASE FROM
413|*?|N13:sum:prefix1||SHIP FOR LOC
414|*?|N13:sum:prefix1|key 254/7040|LOC No.
415|*?|N13:sum:prefix1|need 8020; key 8020|PAY TO
416|*?|N13:sum:prefix1||PROD/SERV LOC
417|*?|N13:sum:prefix1|key 7040|PARTY
420|?|X1-20|not 421|SHIP TO POST
421|?|N3:country X1-9|not 4307|SHIP TO POST
422|?|N3:country|need 01/02/03/8006/8026; not 426|ORIGIN
423|?|N3:country [N3:country] [N3:country] [N3:country] [N3:country]|need 01/02/03; not 426|COUNTRY - INITIAL PROCESS
424|?|N3:country|need 01/02/03; not 426|COUNTRY - PROCESS
425|?|N3:country [N3:country] [N3:country] [N3:country] [N3:country]|need 01/02/03; not 426|COUNTRY - DISASSEMBLY
426|?|N3:country|need 01/02/03|COUNTRY - FULL PROCESS
427|?|X1-3|need 01+422/02+422/03+422|ORIGIN SUBDIVISION
4300|?|X1-35:percent|need 00|SHIP TO COMP
4301|?|X1-35:percent|need 00|SHIP TO NAME
4302|?|X1-70:percent|need 00|SHIP TO ADD1
4303|?|X1-70:percent|need 4302|SHIP TO ADD2
4304|?|X1-70:percent|need 00|SHIP TO SUB
4305|?|X1-70:percent|need 00|SHIP TO LOC
4306|?|X1-70:percent|need 00|SHIP TO REG
4307|?|X2:country2|need 00|SHIP TO COUNTRY
4308|?|X1-30|need 00|SHIP TO PHONE
4309|?|N10:latitude N10:longitude|need 00|SHIP TO GEO
4310|?|X1-35:percent|need 00|RTN TO COMP
4311|?|X1-35:percent|need 00|RTN TO NAME
4312|?|X1-70:percent|need 00|RTN TO ADD1
4313|?|X1-70:percent|need 4312|RTN TO ADD2
4314|?|X1-70:percent|need 00|RTN TO SUB
4315|?|X1-70:percent|need 00|RTN TO LOC
4316|?|X1-70:percent|need 00|RTN TO REG
4317|?|X2:country2|need 00|RTN TO COUNTRY
4318|?|X1-20|need 00|RTN TO POST
4319|?|X1-30|need 00|RTN TO PHONE
4320|?|X1-35:percent|need 00|SRV DESCRIPTION
4321|?|N1:flag|need 00|DANGEROUS GOODS
4322|?|N1:flag|need 00|AUTH TO LEAVE
4323|?|N1:flag|need 00|SIG REQUIRED
4324|?|N6:yymmd0 N4:hhmm|need 00|NOT BEF DEL DT
4325|?|N6:yymmd0 N4:hhmm|need 00|NOT AFT DEL DT
4326|?|N6:yymmdd|need 00|REL DATE
4330|?|N6 [X1:hyphen]|need 00; not 4331|MAX TEMP F.
4331|?|N6 [X1:hyphen]|need 00; not 4330|MAX TEMP C.
4332|?|N6 [X1:hyphen]|need 00; not 4333|MIN TEMP F.
4333|?|N6 [X1:hyphen]|need 00; not 4332|MIN TEMP C.
7001|?|N13|need 01/02/8006/8026|NSN
7002|?|X1-30|need 01/02|MEAT CUT
7003|?|N6:yymmdd N4:hhmm|need 01/02/03|EXPIRY TIME
7004|?|N1-4|need 01+10/03+10|ACTIVE POTENCY
7005|?|X1-12|need 01/02|CATCH AREA
7006|?|N6:yymmdd|need 01/02|FIRST FREEZE DATE
7007|?|N6:yymmdd [N6:yymmdd]|need 01/02|HARVEST DATE
7008|?|X1-3|need 01/02|AQUATIC SPECIES
7009|?|X1-10|need 01/02|FISHING GEAR TYPE
7010|?|X1-2|need 01/02/03|PROD METHOD
7011|?|N6:yymmdd [N4:hhmm]|need 01/02/03|TEST BY DATE
7020|?|X1-20|need 01+416/03+416/8006+416|REFURB LOT
7021|?|X1-20|need 01/03/8006|FUNC STAT
7022|?|X1-20|need 01+7021/03+7021/8006+7021|REV STAT
7023|?|X1-30:prefix1||GIAI - ASSEMBLY
7030-7039|?|N3:country999 X1-27|need 01/02|PROCESSOR # 0
7040||N1 X1 X1 X1:importer||UIC+EXT
7041||X1-4:package|need 00|UFRGT UNIT TYPE
710|?|X1-20|need 01|NHRN PZN
711|?|X1-20|need 01|NHRN CIP
712|?|X1-20|need 01|NHRN CN
713|?|X1-20|need 01|NHRN DRN
714|?|X1-20|need 01|NHRN AIM
715|?|X1-20|need 01|NHRN NDC
716|?|X1-20|need 01|NHRN AIC
717|?|X1-20|need 01|NHRN SRN
7230-7239|?|X2 X1-28|need 01/8004|CERT # 1
7240|?|X1-20|need 01/8006; not 03|PROTOCOL
7241|?|N2:media|need 8017/8018|AIDC MEDIA TYPE
7242|?|X1-25|need 8017/8018|VCN
7250|?|N8:yyyymmdd|need 8018; not 7251|DOB
7251|?|N8:yyyymmdd N4:hhmm|need 8018; not 7250|DOB TIME
7252|?|N1:sex|need 8018|BIO SEX
7253|?|X1-40:percent|need 8017/8018; not 7256/7259|FAMILY NAME
7254|?|X1-40:percent|need 8017/8018; not 7256/7259|GIVEN NAME
7255|?|X1-10|need 8017/8018; not 7256/7259|SUFFIX
7256|?|X1-90:percent|need 8017/8018|FULL NAME
7257|?|X1-70:percent|need 8018|PERSON ADDR
7258|?|X3:position|need 8018+7259|BIRTH SEQUENCE
7259|?|X1-40:percent|need 8018; not 7256|BABY
8001|?|N4:nonzero N5:nonzero N3:nonzero N1:winding N1|need 01|DIMENSIONS
8002|?|X1-20||CMT No.
8003|?|N1:zero N13:sum:prefix1 [X1-16]|key|GRAI
8004|?|X1-30:prefix1|key 7040|GIAI
8005|?|N6|need 01/02|PRICE PER UNIT
8006|?|N14:sum:prefix2 N4:piece|not 01/03/37; key 22,10,21|ITIP
8007|?|X1-34:iban|need 415|IBAN
8008|?|N6:yymmdd N2:hh [N2:mm] [N2:mm]|need 01/02/03|PROD TIME
8009|?|X1-50|need 00/01/03|OPTSEN
8010|?|Y1-30:prefix1|key 8011|CPID
8011||N1-12:unpadded|need 8010|CPID SERIAL
8012|?|X1-20|need 01/03/8006|VERSION
8013|?|X1-25:pair:prefix1|key|GMN
8014||X1-25:pair:prefix1:nondigit|need 01|HIDRI
8017|?|N18:sum:prefix1|not 8018; key 8019|GSRN - PROVIDER
8018|?|N18:sum:prefix1|not 8017; key 8019|GSRN - RECIPIENT
8019||N1-10|need 8017/8018|SRIN
8020||X1-25|need 415|REF No.
8026|?|N14:sum:prefix2 N4:piece|need 37; not 02/03/8006|ITIP CONTENT
8030|?|Z1-90|need 00/01+21/03+21/253/255/8003/8004/8006+21/8010+8011/8017/8018|DIGSIG
8040||N15|need 01+21|IMEI
8041||N15|need 01+21+8040|IMEI2
8042||N32|need 01+21+8040|ESIM
8043||N18 [N1-2]|need 01+21+8040|PSIM
8110|?|X1-70:coupon||COUPON
8111|?|N4|need 255|POINTS
8112|?|X1-70:offer||COUPON OFFER
8200||X1-70|need 01|PRODUCT URL
90|?|X1-30||INTERNAL
91-99|?|X1-90||INTERNAL`;

/**
 * The variable measures 310n–369n (GenSpecs 3.6): six digits, the AI's last digit gives the decimals (0–5). `t` measures a
 * trade item, `l` a logistic unit or trade item, `g` a trade item only.
 */
const MEASURES = `
310t NET WEIGHT (kg)|311t LENGTH (m)|312t WIDTH (m)|313t HEIGHT (m)|314t AREA (m²)|315t NET VOLUME (l)|316t NET VOLUME (m³)
320t NET WEIGHT (lb)|321t LENGTH (in)|322t LENGTH (ft)|323t LENGTH (yd)|324t WIDTH (in)|325t WIDTH (ft)|326t WIDTH (yd)
327t HEIGHT (in)|328t HEIGHT (ft)|329t HEIGHT (yd)
330l GROSS WEIGHT (kg)|331l LENGTH (m), log|332l WIDTH (m), log|333l HEIGHT (m), log|334l AREA (m²), log
335l VOLUME (l), log|336l VOLUME (m³), log|337g KG PER m²
340l GROSS WEIGHT (lb)|341l LENGTH (in), log|342l LENGTH (ft), log|343l LENGTH (yd), log|344l WIDTH (in), log
345l WIDTH (ft), log|346l WIDTH (yd), log|347l HEIGHT (in), log|348l HEIGHT (ft), log|349l HEIGHT (yd), log
350t AREA (in²)|351t AREA (ft²)|352t AREA (yd²)|353l AREA (in²), log|354l AREA (ft²), log|355l AREA (yd²), log
356t NET WEIGHT (tr oz)|357t NET VOLUME (oz)
360t NET VOLUME (qt)|361t NET VOLUME (gal.)|362l VOLUME (qt), log|363l VOLUME (gal.), log
364t NET VOLUME (in³)|365t NET VOLUME (ft³)|366t NET VOLUME (yd³)|367l VOLUME (in³), log|368l VOLUME (ft³), log
369l VOLUME (yd³), log`;

const MEASURE_NEEDS: Record<string, string> = { t: '01/02', l: '00/01', g: '01' };

/** One row of the dictionary, for one run of AIs. */
export interface DictionaryRow {
  first: string;
  last: string;
  flags: string;
  components: string;
  rules: string;
  title: string;
}

/** All rows, in no particular order. */
export function dictionaryRows(): DictionaryRow[] {
  const rows: DictionaryRow[] = [];
  for (const line of ROWS.trim().split('\n')) {
    const [ais = '', flags = '', components = '', rules = '', title = ''] = line.split('|');
    const [first = '', last = first] = ais.split('-');
    rows.push({ first, last, flags, components, rules, title });
  }
  for (const measure of MEASURES.trim().split(/[|\n]/)) {
    const stem = measure.slice(0, 3);
    rows.push({
      first: `${stem}0`,
      last: `${stem}5`,
      flags: '*?',
      components: 'N6',
      rules: `need ${MEASURE_NEEDS[measure.charAt(3)] ?? ''}; not ${stem}n`,
      title: measure.slice(5),
    });
  }
  return rows;
}
