/** Where a subscriber is told: a web hook or a mailbox. The secret of a web hook is kept, and never given back. */
export type Channel = { kind: 'webhook'; url: string; secret: string } | { kind: 'email'; address: string };

export type ShownChannel = { kind: 'webhook'; url: string; hasSecret: true } | { kind: 'email'; address: string };

export function shownChannel(channel: Channel): ShownChannel {
  return channel.kind === 'webhook' ? { kind: 'webhook', url: channel.url, hasSecret: true } : channel;
}
