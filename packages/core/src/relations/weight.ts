/**
 * How strongly an indicator ties the samples that share it.
 *
 *     weight = strength × (1 + rarity) / 2,   rarity = ln(1 + N/n) / ln(1 + N)
 *
 * N: samples of the batch with a config; n: those of them that hold the indicator. Rarity is an inverse document
 * frequency scaled to 0…1: 1 when one sample holds it, and towards 0 when all of many do. A strong indicator that all
 * samples share still ties them (a batch may be one campaign), so that rarity moves the weight by half at most.
 */
import type { IndicatorType } from "../model/index.ts";

/** What sharing one says when it is rare: 1 for what one operator alone has, less for what people choose alike. */
const STRENGTH: Readonly<Record<IndicatorType, number>> = {
  certificate: 1,
  licence: 1,
  socket: 1,
  token: 1,
  url: 1,
  domain: 0.95,
  // Hosts of one address can be many customers' in turn.
  ipv4: 0.9,
  ipv6: 0.9,
  mutex: 0.9,
  identifier: 0.8,
  campaign_id: 0.5,
  password: 0.5,
  file: 0.4,
  registry: 0.4,
  user_agent: 0,
};

/** Ties below this are shown but join no cluster: a file name, say, that a fifth of a large batch has. */
export const MIN_CLUSTER_WEIGHT = 0.25;

/** 0 to 1, to three places. */
export function tieWeight(type: IndicatorType, holders: number, samples: number): number {
  const rarity = Math.log(1 + samples / holders) / Math.log(1 + samples);
  return Math.round(((STRENGTH[type] * (1 + rarity)) / 2) * 1000) / 1000;
}
