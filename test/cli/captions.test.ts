/** Guards promise 8 and design section 9: the caption that was written is the caption that is posted, to the letter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { captionText, readCaptions } from '../../src/cli/captions.ts';

function read(text: string) {
  return readCaptions(new TextEncoder().encode(text), 'c.csv') ?? [];
}

describe('readCaptions', () => {
  it('keeps quotes, line breaks, commas, emoji and spaces, behind a BOM', () => {
    const rows = read('\ufefffilename,caption\r\na.mp4,"He said ""hi"",\n  then 👩‍🌾 市場 "\r\nb.mp4, kept \r\n');
    expect(rows.map(({ video, caption }) => [video, caption])).toEqual([
      ['a.mp4', 'He said "hi",\n  then 👩‍🌾 市場 '],
      ['b.mp4', ' kept '],
    ]);
  });

  it('gives the line on which each row starts, also after captions of several lines', () => {
    expect(read('filename,caption\na.mp4,"1\n2\n3"\nb.mp4,x\n\nc.mp4,y\n').map(({ where }) => where)).toEqual([
      'c.csv:2',
      'c.csv:5',
      'c.csv:6',
    ]);
  });

  it.each([
    ['filename,caption', 'a.mp4,x'],
    ['Text,Pinterest Source Url,"Image/Video link 1 (file path or URL)"', 'x,u,a.mp4'],
    ['Shortcode,Text', 'a,x'],
    ['filename,onscreen_text,post_caption', 'a.mp4,other,x'],
    ['filename;caption', 'a.mp4;x'],
    ['filename\tcaption', 'a.mp4\tx'],
    ['Video File,TEXT', 'a.mp4,x'],
  ])('understands the header %s', (header, row) => {
    const [first] = read(`${header}\n${row}\n`);
    expect(first).toMatchObject({ caption: 'x', problem: null });
    expect(first?.video.replace('.mp4', '')).toBe('a');
  });

  it('reads account, publish_at and priority', () => {
    const [row] = read('filename,caption,account,publish_at,priority\na.mp4,x,@alice,2026-11-22 18:30,2\n');
    expect(row).toMatchObject({ account: 'alice', publishAt: '2026-11-22 18:30', priority: '2' });
    expect(read('filename,account\na.mp4,\n')[0]).toMatchObject({ account: null, caption: null });
  });

  it('refuses a row with a stray comma, rather than posting half of its caption', () => {
    expect(read('filename,caption\na.mp4,Hello, world\n')[0]?.problem).toContain('3 values where the header has 2');
    expect(read('filename,caption\n,x\n')[0]?.problem).toBe('it names no video');
  });

  it('is no caption file without a video column', () => {
    expect(readCaptions(new TextEncoder().encode('name,size\na,1\n'), 'c.csv')).toBeNull();
    expect(readCaptions(new Uint8Array(), 'c.csv')).toBeNull();
  });

  it('says the line of broken quotes, and that a file is not UTF-8', () => {
    expect(() => read('filename,caption\na.mp4,x\nb.mp4,"open\n')).toThrow(/^c\.csv:\d+: a quote is opened and never closed/);
    expect(() => read('filename,caption\na.mp4,say "x"\n')).toThrow(/^c\.csv:2: a quote stands in the middle/);
    expect(() => readCaptions(Uint8Array.from([0x66, 0xe9, 0x2c]), 'c.csv')).toThrow(/c\.csv is not UTF-8/);
  });

  it('reads back any caption that a spreadsheet wrote', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (caption) => {
        const [row] = read(`filename,caption\na.mp4,"${caption.replaceAll('"', '""')}"\n`);
        expect(row?.caption).toBe(caption);
      }),
    );
  });
});

describe('captionText', () => {
  it('takes the whole text, without BOM and without the line break that editors add', () => {
    expect(captionText(new TextEncoder().encode('\ufeffa\n\nb \r\n'), 'a.txt')).toBe('a\n\nb ');
  });
});
