/**
 * Sequences that stand for parts of a hostname (TDS 2.3, tables 14-11 to 14-15). Two rows of table 14-14 are printed with
 * the wrong first seven bits (`.org.cn` and `.net.cn`); the caption and the rows around them say 0000010, which is used here.
 */

/** Table A: 7-bit values that are not a character. */
export const SEVEN_BIT_SEQUENCES: ReadonlyMap<number, string> = new Map([
  [0b0011110, 'qr.'],
  [0b0011111, 'www.'],
  [0b0100000, 'id.'],
  [0b1011011, '.com'],
  [0b1011100, '.org'],
  [0b1011101, '.net'],
  [0b1011110, '.int'],
  [0b1100000, '.edu'],
  [0b1111011, '.gov'],
  [0b1111100, '.mil'],
  [0b1111101, '.biz'],
  [0b1111110, '.eco'],
  [0b1111111, '.med'],
]);

const B1 =
  'ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo bq br bs bt bw by bz ca cc cd cf ' +
  'cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga gd ge gf gg ' +
  'gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp ' +
  'kr kw ky kz la lb lc li';
const B2 =
  'lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu ' +
  'nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn sr ss st su sv sx ' +
  'sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw';
const B3 =
  'com.au net.au org.au co.at com.bd co.bd com.br net.br co.nz com.ng com.pk co.in com.in co.il co.jp co.za co.kr com.es ' +
  'com.lk co.th co.tt com.tt com.tr biz.tr com.ua co.uk co.zm com.zm com.cn org.cn net.cn gov.cn';
const B4 = 'tech';

/** Tables B1–B4: the first seven bits choose the table, the next seven the row. */
export const FOURTEEN_BIT_SEQUENCES: readonly (readonly string[])[] = [B1, B2, B3, B4].map((names) =>
  names.split(' ').map((name) => `.${name}`),
);
