/** Guards promises 4 and 8: what is read from a screen is what stands on it, whatever the captions on it say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matches, parseUiTree, toUiSelector } from '../../src/flows/ui-tree.ts';

const SOURCE = `<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<hierarchy index="0" class="hierarchy" rotation="0" width="1080" height="2154">
  <android.widget.FrameLayout index="0" package="demo.video" class="android.widget.FrameLayout" displayed="true">
    <android.widget.TextView resource-id="demo.video:id/post_caption" text="a &lt;b&gt; &amp; &quot;c&quot;&#10;&#128075; it's" content-desc='say "hi"' displayed="true"/>
    <android.widget.EditText resource-id="demo.video:id/caption_input" text="" hint="Write…" displayed="true"></android.widget.EditText>
    <android.widget.Button resource-id="demo.video:id/hidden" text="Hidden" displayed="false"/>
  </android.widget.FrameLayout>
</hierarchy>`;

describe('the page source', () => {
  it('is read with its escapes; what is not displayed is not there', () => {
    const nodes = parseUiTree(SOURCE);
    expect(nodes.map(({ id }) => id)).toEqual(['', 'demo.video:id/post_caption', 'demo.video:id/caption_input']);
    expect(nodes[1]).toMatchObject({ text: 'a <b> & "c"\n👋 it\'s', desc: 'say "hi"', className: 'android.widget.TextView' });
    expect(nodes[2]?.hint).toBe('Write…');
  });

  it('gives back any text that was written into it, and never more nodes than there are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const escaped = text.replace(/[&<>"'\n\r\t]/g, (char) => `&#${char.charCodeAt(0)};`);
        const nodes = parseUiTree(`<hierarchy><a.B resource-id="x" text="${escaped}" /></hierarchy>`);
        expect(nodes.map((node) => node.text)).toEqual([text]);
      }),
    );
  });

  it('is nothing when the phone answers something else', () => {
    expect(parseUiTree('')).toEqual([]);
    expect(parseUiTree('Internal error <')).toEqual([]);
  });
});

describe('a selector', () => {
  const node = { className: 'x', id: 'demo.video:id/post', text: 'Post', desc: '', hint: '' };

  it('matches whole values only, all its conditions at once', () => {
    expect(matches(node, { id: 'post' }, 'demo.video')).toBe(true);
    expect(matches(node, { id: 'demo.video:id/post', text: 'Post' }, 'demo.video')).toBe(true);
    expect(matches(node, { id: 'post', text: 'Pos' }, 'demo.video')).toBe(false);
    expect(matches(node, { id: 'post' }, 'other.app')).toBe(false);
    expect(matches(node, { text: 'post' }, 'demo.video')).toBe(false);
  });

  it('becomes the simplest that the phone understands', () => {
    expect(toUiSelector({ id: 'post' }, 'demo.video')).toEqual({ id: 'demo.video:id/post' });
    expect(toUiSelector({ desc: 'Post' }, 'demo.video')).toEqual({ desc: 'Post' });
    expect(toUiSelector({ text: 'Post' }, 'demo.video')).toEqual({ text: 'Post' });
    const both = toUiSelector({ id: 'name', text: 'it\'s "it".mp4' }, 'demo.video');
    expect(both.xpath).toBe(`//*[@resource-id="demo.video:id/name" and @text=concat("it's ", '"', "it", '"', ".mp4")]`);
  });
});
