/** How many configs each family gives, month by month, and whether one that used to give them has stopped. */
import { sql } from "drizzle-orm";
import type { Database } from "./database.ts";
import { decodeText } from "./text.ts";

export interface MonthYield {
  readonly family: string;
  /** `2026-03`: when the samples were first seen. */
  readonly month: string;
  /** Submitted samples that were taken for the family. */
  readonly samples: number;
  /** Of these, those that gave a config of it. */
  readonly configs: number;
}

export interface Alarm {
  readonly family: string;
  readonly month: string;
  readonly kind: AlarmRule["kind"];
  readonly text: string;
}

export interface Yields {
  /** By family and month; months without samples have no row. */
  readonly rows: readonly MonthYield[];
  readonly alarms: readonly Alarm[];
}

/** What a rule is asked about: the month, and the three before it. */
interface Course {
  readonly now: Counts;
  readonly before: readonly Counts[];
  /** Samples and configs of the months before, together. */
  readonly sum: Counts;
  /** The month has ended. */
  readonly isOver: boolean;
}

type Counts = Pick<MonthYield, "samples" | "configs">;

export interface AlarmRule {
  readonly kind: "broken" | "falling" | "gone";
  /** As it is told to people. */
  readonly rule: string;
  readonly holds: (course: Course) => boolean;
  readonly text: (course: Course) => string;
}

const MONTHS_BEFORE = 3;
/** A family that gave fewer configs in the months before is no family that gives configs. */
const STEADY_CONFIGS = 5;
const BROKEN_SAMPLES = 3;
const FALLING_SAMPLES = 10;
const FALLING_SHARE = 0.5;

const isSteady = ({ sum }: Course) => sum.configs >= STEADY_CONFIGS;
const share = ({ samples, configs }: Counts) => (samples === 0 ? 0 : configs / samples);
const percent = (counts: Counts) => `${Math.round(share(counts) * 100)} %`;

/** The first that holds is told. Each is asked of the running month and of the one before. */
export const ALARM_RULES: readonly AlarmRule[] = [
  {
    kind: "broken",
    rule: `${STEADY_CONFIGS} or more configs in the ${MONTHS_BEFORE} months before; this month ${BROKEN_SAMPLES} or more samples taken for the family and no config`,
    holds: (course) => isSteady(course) && course.now.samples >= BROKEN_SAMPLES && course.now.configs === 0,
    text: ({ now, sum }) =>
      `none of ${now.samples} samples gave a config; ${percent(sum)} did in the months before`,
  },
  {
    kind: "falling",
    rule: `${STEADY_CONFIGS} or more configs in the ${MONTHS_BEFORE} months before; this month ${FALLING_SAMPLES} or more samples and less than half of the share that gave configs`,
    holds: (course) =>
      isSteady(course) &&
      course.now.samples >= FALLING_SAMPLES &&
      share(course.now) < share(course.sum) * FALLING_SHARE,
    text: ({ now, sum }) =>
      `${percent(now)} of ${now.samples} samples gave a config; before ${percent(sum)} did`,
  },
  {
    kind: "gone",
    rule: `a config in each of the ${MONTHS_BEFORE} months before and ${STEADY_CONFIGS} or more together; none in a month that is over, and fewer than ${BROKEN_SAMPLES} samples`,
    holds: (course) =>
      isSteady(course) &&
      course.isOver &&
      course.before.every(({ configs }) => configs > 0) &&
      course.now.configs === 0 &&
      course.now.samples < BROKEN_SAMPLES,
    text: ({ now, sum }) =>
      `${now.samples} samples and no config, after ${sum.configs} configs in the months before: it is not sent any more, or not recognised`,
  },
];

/** Of the last `months` months, the running one included. `today`: ISO 8601. */
export async function yields(db: Database, months: number, today: string): Promise<Yields> {
  const rows = await countByMonth(db, monthsBack(today, months - 1 + MONTHS_BEFORE));
  const first = monthsBack(today, months - 1);
  return {
    rows: rows.filter(({ month }) => month >= first),
    alarms: [monthsBack(today, 1), monthsBack(today, 0)].flatMap((month, i) =>
      alarmsOf(rows, month, i === 0),
    ),
  };
}

/** A result's own file stands for all within it: an archive is one sample. */
async function countByMonth(db: Database, from: string): Promise<MonthYield[]> {
  const { rows } = (await db.execute(sql`
    with taken as (
      select i.family, i.sample, false as config from assay.identifications i
      union all
      select f.family, a.sample, true from assay.findings f
        join assay.analyses a on a.id = f.analysis
        join assay.samples o on o.sha256 = a.sample and o.analysis = a.id
    ), each as (select family, sample, bool_or(config) as config from taken group by family, sample)
    select e.family, to_char(s.first_seen at time zone 'UTC', 'YYYY-MM') as month,
           count(*)::int as samples, (count(*) filter (where e.config))::int as configs
      from each e join assay.samples s on s.sha256 = e.sample
      where s.submitted and s.first_seen >= ${`${from}-01T00:00:00Z`}
      group by 1, 2 order by 1, 2`)) as unknown as { rows: MonthYield[] };
  return rows.map((row) => ({ ...row, family: decodeText(row.family) }));
}

function alarmsOf(rows: readonly MonthYield[], month: string, isOver: boolean): Alarm[] {
  const families = [...new Set(rows.map(({ family }) => family))];
  const before = Array.from({ length: MONTHS_BEFORE }, (_, i) => monthsBack(`${month}-01`, i + 1));
  return families.flatMap((family) => {
    const of = (wanted: string): Counts =>
      rows.find((row) => row.family === family && row.month === wanted) ?? { samples: 0, configs: 0 };
    const past = before.map(of);
    const sum = past.reduce((a, b) => ({ samples: a.samples + b.samples, configs: a.configs + b.configs }));
    const course: Course = { now: of(month), before: past, sum, isOver };
    const rule = ALARM_RULES.find(({ holds }) => holds(course));
    return rule === undefined ? [] : [{ family, month, kind: rule.kind, text: rule.text(course) }];
  });
}

/** `2026-03` of a moment in May and 2. */
function monthsBack(iso: string, n: number): string {
  const date = new Date(`${iso.slice(0, 7)}-01T00:00:00Z`);
  date.setUTCMonth(date.getUTCMonth() - n);
  return date.toISOString().slice(0, 7);
}
